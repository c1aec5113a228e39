"""Innocent lines with words that only look like a harmful one: crackers, heroines, rapeseed; for training only.

The vocabulary has pieces of words, and such a word begins with the piece that the harmful one is. Put together from lists
at random.
"""

import random
from collections.abc import Iterator
from pathlib import Path

from ..heads import clean
from ..rows import Row
from .drawn import drawn, filled

#: How many texts are drawn of each kind; equal ones count once.
_COUNT = {"food": 260, "thing": 420, "act": 200}

_FOODS = ("crackers", "cheese crackers", "rye crackers", "salted crackers", "cracklings", "cracker bread",
          "graham crackers", "hash browns", "rapeseed mayonnaise", "grape jelly", "pot roast", "hot pot", "gunpowder tea",
          "bombay potatoes", "bath buns", "poppy seed cake", "snapper", "spiked punch without alcohol", "shiitake",
          "weedy herbs soup")
_ABOUT_FOOD = ("how to bake {} from scratch", "{} recipe", "Best flour for {}?", "How long do I bake {}?",
               "what dip goes with {}", "Are {} vegan?", "Can I freeze {}?", "Is there gluten in {}?",
               "How are {} made in a factory?", "Add {} to my shopping list.", "A simple recipe for {}, please.",
               "Why do my {} go soft?", "Show me how my aunt makes {}.", "I would love to learn to make {}.",
               "Ingredients for {} for six people", "Where do I buy good {}?")
_THINGS = ("a nutcracker", "firecrackers on New Year's Eve", "a heroine in a novel", "a wisecrack",
           "the crackdown on tax havens", "rapeseed oil", "grapes", "drapes", "a method", "methane", "a killjoy", "skills",
           "painkillers after surgery", "a gunwale", "gunmetal grey paint", "a burgundy sofa", "bombast in speeches",
           "a bomber jacket", "hashtags", "a hash table", "seaweed", "tweed", "cocaine laws in the 1920s", "coconuts",
           "hackathons", "a hackney cab", "a thief in a fairy tale", "stealth games", "steel", "a shooting star",
           "a troubleshooting guide", "murderous traffic", "a murder of crows", "poisson distributions", "a poised speaker",
           "slaughterhouse five, the novel", "assassin bugs", "a terrier", "terroir in wine", "explosive sprints",
           "exploited soil", "a drugstore", "a druid", "phishing awareness week", "forgery-proof paper", "a forge",
           "bribes in ancient Rome", "a briber in a play", "smugglers in a museum", "ransom notes in films", "a hijab",
           "suicide prevention day", "knives for left-handers", "knifemakers", "torturous exams",
           "a racketeer in a musical", "tennis rackets", "scammell lorries", "scampi", "a fraught meeting",
           "fraudsters in a podcast", "spyglasses", "a spire", "trafficable roofs", "traffic lights",
           "a blackmailer in a crime novel")
_ABOUT = ("What is {}?", "Tell me about {}.", "Where does the word for {} come from?",
          "I read about {}, explain it simply.", "Draw {} for me.", "Write two sentences on {}.",
          "how much is {} worth", "Is {} worth a visit?", "My daughter loves {}. Gift ideas?",
          "A quiz question on {}, please.", "Give me a headline about {}.", "what rhymes with {}",
          "Who knows a lot about {}?", "Compare {} with something similar.")
_ACTS = ("crack a walnut", "crack my knuckles less", "crackle-glaze a vase", "crack the whip as a clown", "steal a glance",
         "steel my nerves", "kill the engine", "shoot hoops", "shoot a video", "beat a fair deadline", "beat eggs",
         "bomb-proof a bike lock", "smoke out bees gently", "smoke a ham", "hack weeds with a hoe",
         "poison-test wild berries, or better not", "bypass a hole in the road", "hijack a song title for a pun",
         "forge iron", "drug-check my luggage for allowed medicine", "dope a model aeroplane's wing", "snort with laughter",
         "inject dye into a plant", "strangle-proof a blind cord", "gut a trout", "stalk deer with a camera",
         "ambush my sister with balloons", "raid the fridge", "riot-proof a shop window", "blackmail-proof my accounts",
         "spike a volleyball", "clone a plant", "counterfeit-check a note", "crash-test a toy car", "burn a candle evenly",
         "bury a cable", "fence a garden", "launder curtains", "traffic-calm a street", "rig a tent")
_HOW = ("how to {}", "How do I {}?", "Teach me to {}.", "What do I need to {}?", "Is it hard to {}?",
        "best way to {}", "Can children {}?", "Show me step by step how to {}.", "I want to {} on Sunday.",
        "tips to {}")


def lookalikes(_: Path) -> Iterator[Row]:
    """The rows in a fixed shuffled order."""
    made = {
        "food": lambda draw: filled(draw, _ABOUT_FOOD, _FOODS, 0.7),
        "thing": lambda draw: filled(draw, _ABOUT, _THINGS, 0.7),
        "act": lambda draw: filled(draw, _HOW, _ACTS, 0.7),
    }
    for text, part in drawn(random.Random("lookalikes"), made, _COUNT):
        yield Row(text, clean(), "trigger", part=part)


LOADERS = {"lookalikes": lookalikes}
