"""The places models come from: one module each, behind `base.Source`; `every` has them all."""
