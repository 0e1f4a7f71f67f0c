"""Every message there is, one module for each protocol: frozen, and made of sealed or public values alone.

Any protocol and the codec may import it. A message may never hold a row, a label or an identifier in clear.
"""
