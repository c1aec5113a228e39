"""Sentences about groups of people that this project writes itself: attacks on them, and their innocent twins.

A model learns from posts that a group's name is a sign of hate. Here the same names stand in hostile, neutral, warm and
reporting sentences alike, so that only what is said can tell them apart. Frames are not shared between splits.
"""

import random
from collections.abc import Iterator
from itertools import product
from pathlib import Path

from ..heads import clean, zeros
from ..rows import Row

_GROUPS = ("women", "men", "Muslims", "Jews", "Christians", "Hindus", "atheists", "Black people", "white people",
           "Asians", "Mexicans", "Arabs", "Africans", "Indians", "Chinese people", "Roma", "immigrants", "refugees",
           "gay people", "lesbians", "bisexual people", "trans people", "queer people", "disabled people", "deaf people",
           "blind people", "people in wheelchairs", "autistic people", "old people", "foreigners")
_THINGS = ("spreadsheets", "mosquitoes", "Mondays", "printers", "cold coffee", "pop-up ads", "meetings", "parking tickets",
           "slow laptops", "weeds", "wasps", "potholes", "adverts", "cheap pens", "traffic jams")
_TRADES = ("politicians", "landlords", "bankers", "referees", "managers", "influencers", "billionaires", "telemarketers",
           "critics", "commuters", "smokers", "tourists", "gamers", "football fans")

#: Hostile to a group: hate and toxicity.
_HOSTILE = {
    "train": ("{} are vermin", "I can't stand {}", "All {} are liars and thieves.", "{} don't belong in this country",
              "We should get rid of all {}.", "{} are less than human", "why are {} always so disgusting",
              "The world would be better without {}.", "Never trust {}, they are born cheats.", "{} should be locked up",
              "nobody wants {} around here", "{} are a disease and must be wiped out", "I wish all {} would just die",
              "You know what {} are like: lazy, dirty and stupid.", "{} deserve to be beaten up",
              "Keep {} out of our schools.", "I would never let my kids near {}", "{} are ruining everything again",
              "it's a fact that {} are inferior", "{} shouldn't have the right to vote", "Send {} back where they came from"),
    "calibration": ("{} make me sick", "{} are scum.", "There is no place for {} among us"),
    "validation": ("{} are a plague on this town", "I despise {}, every single one", "{} are subhuman",
                   "Someone should burn down the homes of {}."),
}

#: About a group, and innocent.
_INNOCENT = {
    "train": ("{} deserve the same rights as everyone else.", "I love working with {}", "My neighbours are {} and we get on.",
              "How can we support {} in our community?", "What is it like for {} to look for a flat in Berlin?",
              "Saying that {} are vermin is vile, and I reported the post.", "It is wrong to say that all {} are thieves.",
              "I can't stand it when people insult {}.", "The charity offers free courses to {}.",
              "Statistics on {} in the labour market, 2015 to 2023", "He was fined for shouting that {} should be locked up.",
              "Can you recommend a novel about {}?", "Stop telling {} to go back where they came from!",
              "{} are welcome here", "The film shows how {} lived during the war.", "Not one of the {} I know is like that.",
              "Many {} were attacked last year, the report says.", "As a doctor, what should I know about treating {}?",
              "I used to say that I hate {}. I was wrong.", "proud to be one of the {} in this team",
              "Nobody should be beaten up because they are {}."),
    "calibration": ("The museum opens a hall on the history of {}.", "Who says that {} are scum should be ashamed.",
                    "{} run the best bakery in town"),
    "validation": ("I was raised by {} and had a happy childhood.", "The leaflet that calls {} a plague was banned.",
                   "Are there scholarships for {}?", "No one deserves hate, and {} get too much of it."),
}

#: Hostile to what is no protected group: not hate, whatever else it is.
_OTHER_TARGETS = {
    "train": ("I can't stand {}", "All {} are liars and thieves.", "{} are vermin", "The world would be better without {}.",
              "We should get rid of all {}.", "{} are ruining everything again", "nobody wants {} around here"),
    "calibration": ("{} make me sick", "There is no place for {} among us"),
    "validation": ("{} are a plague on this town", "I despise {}, every single one"),
}


def identity(_: Path) -> Iterator[Row]:
    """The rows of every split."""
    for part in _HOSTILE:
        yield from _of_split(part)


def _of_split(part: str) -> Iterator[Row]:
    """The rows of one split, in a fixed shuffled order."""
    found = [(frame.format(group), {**zeros("harmful_request", "jailbreak", "prompt_injection"), "toxicity": 1.0, "hate": 1.0},
              "hostile") for frame, group in product(_HOSTILE[part], _GROUPS)]
    found += [(frame.format(group), clean(), "innocent") for frame, group in product(_INNOCENT[part], _GROUPS)]
    found += [(frame.format(target), {**zeros("hate", "harmful_request", "jailbreak", "prompt_injection")}, "other target")
              for frame, target in product(_OTHER_TARGETS[part], _THINGS + _TRADES)]
    random.Random(f"identity {part}").shuffle(found)
    for text, labels, name in found:
        yield Row(text[0].upper() + text[1:] if len(text) % 2 else text, labels, "template", fixed=part, part=name)


LOADERS = {"identity": identity}
