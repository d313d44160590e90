"""The intermediate representation: what every analysis and every target reads."""
