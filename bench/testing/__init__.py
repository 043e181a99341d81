"""What tests of other projects use: assertions, and the pytest plugin that brings them."""
