"""Names that a user may choose from, apart from what they stand for: so `--help` and completion load nothing heavy."""

PROTOCOLS = ("offline", "clip", "continuous")  # data.protocols
SPLITS = ("train", "test", "all")  # workflows.inputs
BACKENDS = ("emulator", "reference", "lava")  # workflows.simulate
AXES = ("chwt", "whct")  # of an image over time: as PyTorch has it without a batch, as Lava's ports have it
TARGETS = ("loihi2", "lava", "slayer", "nir")  # workflows.targets: those that files are written for
# training.presets
PRESETS = ("tiny", "own", "base", "large", "nw-ucla", "nw-ucla-mixed", "nw-ucla-lean", "nw-ucla-gated", "mk-sgn", "ntu")
ATTENTIONS = ("gated", "spike-driven", "ssa", "none")  # models.attention
BODIES = ("kinect20", "kinect25", "azure32", "coco17", "mediapipe33", "body25")  # data.bodies
PROFILES = ("paper", "loihi1")  # chip.energy
MAX_MESSAGE_BITS = 16  # of a graded input
NONE = "none"  # the decision where no class has enough evidence
NONE_OF_THESE = "none of these"  # the class of pauses and of other actions: data.background
