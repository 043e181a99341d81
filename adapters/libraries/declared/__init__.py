"""What each library offers, as data: one module a library, importing neither torch nor it."""
