"""What many slots cost: the controlling process (`handing_out`), and each other (`beside`)."""
