"""The chip model: limits, mapping, rules, energy."""
