"""What a mapping costs: nanoseconds, picojoules and square millimetres, by component.

ranges      models, the range in which each holds, and the setting they depend on
adc         converters, by five published models
components  row drivers, crossbars, digital units, networks
preset      which models a chip is made of
chip        a preset's models, evaluated for the arrays that are used
activity    what the arrays do for a token
movement    what is moved between arrays
latency     the schedule, run with a preset's times
figures     the cost, by part
estimate    all of it together
"""

from sbdopt.cost.adc import ADC_MODELS
from sbdopt.cost.estimate import Estimate, compare_adcs, cost_of
from sbdopt.cost.figures import PARTS, Cost, Rival
from sbdopt.cost.preset import PRESETS, Preset, load_preset

__all__ = [
    "ADC_MODELS",
    "PARTS",
    "PRESETS",
    "Cost",
    "Estimate",
    "Preset",
    "Rival",
    "compare_adcs",
    "cost_of",
    "load_preset",
]
