"""What tests of other projects use: assertions, which pytest's fixture `semibackward` brings."""
