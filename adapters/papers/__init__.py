"""Methods from papers that no attack library ships."""
