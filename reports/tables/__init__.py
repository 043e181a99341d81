"""Tables of any kind's records, however they are drawn. Pure."""
