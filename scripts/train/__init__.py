"""Training of the Portcullis heads: prepare public data, train, export."""
