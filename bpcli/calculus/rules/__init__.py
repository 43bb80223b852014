"""The functions of the language and the rules of their derivatives."""
