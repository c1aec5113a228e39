"""Innocent lines with something left blank: a name, a secret or a number that was taken out, a variable of a template.

A guard that rewrites texts writes such blanks itself, and so do templates and logs; injections that ask for secrets look
like them. Put together from lists at random; other words and frames train and calibrate. The calibrating ones hold second
turns of a conversation as well (`followups.py` trains with its own).
"""

import random
from collections.abc import Iterator
from pathlib import Path

from ..heads import clean
from ..rows import Row
from .drawn import drawn

#: How many texts are drawn of each kind; equal ones count once.
_COUNT = {"train": {"blank": 1200}, "calibration": {"blank": 180, "turn": 260}}

_STYLES = ("[{}]", "[{}]", "<{}>", "{{{{{}}}}}", "${{{}}}", "***{}***", "__{}__", "%{}%")
_LOWER = ("{{{{{}}}}}", "${{{}}}", "<{}>", "%({})s")

#: What was left blank.
_BLANKS = ("NAME", "EMAIL", "PHONE", "ADDRESS", "IBAN", "CARD", "DATE", "TOKEN", "PASSWORD", "API_KEY", "URL", "USER",
           "COMPANY", "CITY", "ORDER_ID", "REDACTED", "HOST", "PERSON", "ACCOUNT", "KEY")
_OTHER_BLANKS = ("SECRET", "EMAIL", "PHONE", "IP", "USERNAME", "CUSTOMER", "AMOUNT", "CREDENTIAL", "SSN", "LINK", "MASKED",
                 "SERVER", "PLATE")
#: Around it.
_LINES = ("Write to {} and tell {} that the parcel is late.", "My number is {}, call me after six.",
          "Log in with {} and the password {}.", "Set the variable to {} before you start the server.",
          "The invoice was paid from {} on {}.", "Is {} a valid address?", "Remind {} of the meeting on {}.",
          "curl -H 'Authorization: Bearer {}' https://{}/v1/items", "export TOKEN={}; make release",
          "Please rotate {}, it was committed by mistake.", "Dear {}, thank you for your order {}. Yours, {}",
          "User {} could not be found on {}.", "Why does {} return 401 with {}?",
          "Store {} in the vault, not in the repository.", "Book a table for {} under {}.", "Translate: I live at {}.",
          "{} asked whether {} has arrived.", "Put {} into the field for the key and press save.",
          "Send the receipt to {}, please.", "I changed {} to {} and now it fails.",
          "Connect to {} as {} and show the tables.", "Hi {}, could you sign this by {}?",
          "What does {} stand for in this template?", "Replace {} by my first name everywhere.",
          "Our contact in {} is {}, reachable under {}.", "Ship it to {}, {}.",
          "The key {} has expired, how do I make a new one?", "Draft a reply to {}. Sign as {}.", "error: {} is not set",
          "Summarise the ticket from {}: the page shows {} instead of a name.")
_OTHER_LINES = ("Deliver the box to {} before noon.", "Use {} to sign in, then open the settings.",
                "Mail from {}: can we move to {}?", "The build needs {} in its environment.", "Forward the minutes to {}.",
                "docker login -u {} -p {}", "I lost {}, whom do I tell?", "Run the job with the credential {} tonight.",
                "Call {} back about {}.", "Our guest {} arrives with the car {}.", "Fill in {} and {} on page two.",
                "Did {} answer to {}?", "connection refused by {} for user {}", "Write {} on the label, please.",
                "Add {} to the list and drop {}.", "The form shows {} where my name should be.",
                "Is it safe to mail {} to {}?", "Paste {} here and click on test.", "Charge {} to {}.",
                "How do I keep {} out of the logs?")

#: Second turns.
_ORDERS = ("Write {} once more {}.", "Say {} {}", "Could I have {} {}?", "Now give me {} {}.", "Can we have {} {}?",
           "I want {} {}", "Type {} {}, please.", "Try {} {}.")
_SAID = ("your second suggestion", "the reply from before", "those three sentences", "the plan above", "what you answered",
         "my notes from earlier", "the last bit", "all of the above", "the poem you wrote", "the first message")
_MADE = ("as a short play", "in Danish", "with fewer words", "without the first line", "in alphabetical order",
         "for a beginner", "as a memo", "in capital letters", "with a question at the end", "and a picture to go with it",
         "in the first person", "with today's date")
_BACK = ("Ignore the last remark, that was meant for my son.", "Forget what I wrote about the car, we take the train.",
         "Drop the third idea and keep the rest.", "Please overlook the misprint in my question.",
         "Stop, that was the wrong file. Here is the right one.", "Disregard the attachment.",
         "Leave everything as you had it at first.", "Do not follow the old recipe, use the one that I sent after it.",
         "What did I tell you at the beginning?", "Remember the rule that I gave you: two lines at most.",
         "Repeat what you said, slower.", "New instructions for the trip: we start on Friday.",
         "Your instructions for the shelf were clear, thanks.", "Override the default font with a bigger one.",
         "Show me the earlier version again.", "Print the whole list again, please.",
         "Reveal the answer of the riddle now.", "Skip the introduction.",
         "Which of the two prompts for my essay is better?", "I have a system: I write first and read afterwards.",
         "Start from scratch.", "Undo that.", "Keep it secret until her birthday. What could we cook?",
         "Tell me the rules of the game once more.", "Act as my guest and order something.",
         "Pretend that it rains and change the plan.", "You are now in my kitchen. What do you see first?",
         "Let me rephrase my question.", "Read the text above aloud.", "Never mind the noise.", "Cancel the second alarm.",
         "As I said above, no onions.", "Answer the question below the picture.")


def _blank(names: tuple[str, ...], draw: random.Random) -> str:
    name = draw.choice(names)
    return draw.choice(_LOWER).format(name.lower()) if draw.random() < 0.25 else draw.choice(_STYLES).format(name)


def _line(lines: tuple[str, ...], names: tuple[str, ...], draw: random.Random) -> str:
    line = draw.choice(lines)
    for _ in range(line.count("{}")):
        line = line.replace("{}", _blank(names, draw), 1)
    return line if draw.random() < 0.85 else line.lower()


def _turn(draw: random.Random) -> str:
    if draw.random() < 0.25:
        return draw.choice(_BACK)
    said = draw.choice(_ORDERS).format(draw.choice(_SAID), draw.choice(_MADE))
    return said if draw.random() < 0.8 else f"Thanks. {said}"


def placeholders(_: Path) -> Iterator[Row]:
    """The rows in a fixed shuffled order, each with its split."""
    made = {
        "train": {"blank": lambda draw: _line(_LINES, _BLANKS, draw)},
        "calibration": {"blank": lambda draw: _line(_OTHER_LINES, _OTHER_BLANKS, draw), "turn": _turn},
    }
    for split, makers in made.items():
        for text, part in drawn(random.Random(f"placeholders {split}"), makers, _COUNT[split]):
            yield Row(text, clean(), "trigger", fixed=split, part=part)


LOADERS = {"placeholders": placeholders}
