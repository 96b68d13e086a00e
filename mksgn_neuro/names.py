"""Names that a user may choose from, apart from what they stand for: so `--help` and completion load nothing heavy."""

PROTOCOLS = ("offline", "clip", "continuous")  # data.protocols
SPLITS = ("train", "test", "all")  # workflows.inputs
BACKENDS = ("emulator", "reference", "lava")  # workflows.simulate
AXES = ("chwt", "whct")  # of an image over time: as PyTorch has it without a batch, as Lava's ports have it
TARGETS = ("loihi2", "lava", "slayer", "nir")  # workflows.export
PRESETS = ("tiny", "base", "large", "nw-ucla", "nw-ucla-mixed", "nw-ucla-lean", "nw-ucla-gated")  # training.presets
PROFILES = ("paper", "loihi1")  # chip.energy
MAX_MESSAGE_BITS = 16  # of a graded input
