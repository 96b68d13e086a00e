"""The only ways in for files: each container is read by one module that takes its content for hostile.

What a gate lets through is plain data of a size that the file itself accounts for; all else is one BadInput.
"""
