"""How peers are prepared, driven, checked and recorded."""
