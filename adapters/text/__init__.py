"""What attacks on text need: victims, sentences, lexical resources, and the books of queries."""
