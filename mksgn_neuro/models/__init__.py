"""The MK-SGN student, its teacher and their neurons."""
