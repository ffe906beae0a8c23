"""One mask a step: an agent draws one object after the other (Araslanov et al., 2019)."""
