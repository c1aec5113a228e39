"""The guard inside other programs' chains, proxies and clusters; each module needs the library it is named for."""
