"""What people say to an assistant after its first answer: change it, go on, never mind; for training only.

Such turns speak of earlier messages and of instructions, as injections do, and collections of single prompts hold hardly any
of them. Put together from lists at random.
"""

import random
from collections.abc import Iterator
from pathlib import Path

from ..heads import clean
from ..rows import Row
from .drawn import drawn

#: How many texts are drawn of each kind; equal ones count once.
_COUNT = {"change": 1300, "part": 500, "again": 350, "mend": 350, "drop": 500, "ask": 300}

_CHANGES = ("Rewrite", "Rephrase", "Redo", "Reword", "Revise", "Reformat", "Shorten", "Condense", "Expand", "Simplify", "Translate",
            "Summarise", "Improve", "Polish", "Correct", "Adapt", "Restructure", "Convert", "Edit", "Adjust", "Repeat", "Amend",
            "Extend", "Change")
_ANSWERS = ("your previous response", "your last answer", "your previous answer", "your earlier reply", "your last message",
            "the previous response", "the answer above", "your first answer", "what you just wrote", "the text above",
            "your reply", "your previous output", "the last version", "that", "it", "this draft", "the summary you gave me",
            "your explanation", "the list you made", "your previous message", "the story so far", "that last part")
_WAYS = ("as a list", "in JSON", "as a table with three columns", "as YAML", "in French", "in plain English", "for a ten-year-old",
         "in at most fifty words", "in a friendlier tone", "more formally", "without any adjectives", "in the past tense",
         "as a limerick", "as a letter to my aunt", "with British spelling", "with an example for each point",
         "so that every line begins with a vowel", "so that each sentence starts with the letter T", "in two paragraphs",
         "with headings", "with the numbers rounded to one decimal", "using only words of one syllable", "with the sources named",
         "in reverse order", "sorted by price", "without the introduction", "and leave out the second point",
         "and add the year of publication", "and keep only the films from before 1990", "and include the population of each city",
         "and replace the names by initials", "and put the answer on the first line", "and use metric units",
         "and mention the main character's age", "and follow the format of my first message", "as Markdown", "as a haiku",
         "as bullet points with an emoji each", "in the style of a news report", "and make it rhyme", "and double the length")
_PARTS = ("the second paragraph", "the third item", "the first sentence", "the last step", "the code in your last message", "the title",
          "the conclusion", "the loop in the function above", "the recipe you gave me", "the table above", "the query",
          "the second bullet of your list", "the dialogue in your story", "the formula in your previous answer", "the opening line")
_PART_ORDERS = ("Remove {}.", "Make {} shorter.", "Explain {} again.", "Why did you write {} like that?", "Go into more detail about {}.",
                "Swap {} and the one before it.", "Can you give another version of {}?", "Fix the typo in {}.",
                "Is there a mistake in {}? Check it once more.", "Add two examples to {}.", "Start again from {}.",
                "What do you mean by {}?", "Merge {} with the next one.", "Put {} in bold.", "Leave {} as it was before.")
_AGAIN = ("Do the same {}.", "Now do that {}.", "Same task {}.", "Repeat the exercise {}.", "Apply the same instructions {}.",
          "Follow the same steps {}.", "Use the instructions from my first message {}.", "Try again {}.", "One more time {}.",
          "Give me another one {}.", "Continue where you stopped {}.", "Let's do the previous task again {}.")
_FOR = ("for Spain", "with the other file", "for the second poem", "but shorter", "with bigger numbers", "for a class of adults", "in Python",
        "for next week", "but for a vegetarian", "with a different ending", "for the rest of the alphabet", "but keep the first two lines",
        "for the next ten rows", "with only three ingredients", "but as a dialogue", "and round the results", "and show your work",
        "with all amounts in euros", "and stop after five", "for a house with a garden")
_MEND = ("In your previous answer {}. Please correct it.", "You said that {}. Are you sure?", "Your last reply is wrong, {}.",
         "Find the mistake in your previous response: {}.", "I think {}, look at your answer again.",
         "That contradicts what you said before: {}.", "Please check the response above again, {}.")
_WRONG = ("the total does not add up", "the capital of Australia is not Sydney", "you skipped the fourth question", "the second link is dead",
          "the author's name is misspelt", "there are only eleven items", "the date is a Sunday", "the function returns the wrong type",
          "you used miles and I asked for kilometres", "the poem has no third verse", "the train does not stop there",
          "the percentages come to more than a hundred", "you answered in English and I asked in Italian")
_DROPS = ("Ignore {} and {}.", "Forget {}, {}.", "Never mind {}, {}.", "Scrap {} and {}.", "Disregard {} and {}.", "Skip {} and {} instead.",
          "Instead of {}, {}.", "Cancel {} and {}, please.", "Drop {} and {}.", "Leave out {} and {}.")
_DROPPED = ("my last question", "what I said about the colours", "the part on taxes", "my earlier request for a table", "the typo in my message",
            "the second picture", "my previous idea", "the budget I mentioned", "the list of hotels", "the word limit",
            "the deadline that I gave you", "the recipe", "the first draft", "the point on parking", "the example with the dog",
            "my comment on the font", "the old address", "the numbers from last year", "the joke at the end")
_INSTEAD = ("suggest a walk in the park", "tell me about the weather in May", "use the new figures", "write it for children",
            "go on with the next chapter", "give me three shorter titles", "plan two days in Porto", "compare only the prices",
            "make the ending happier", "start with the history", "explain the second step", "show me the cheapest one",
            "let's talk about the menu", "use a larger size", "look at the second column", "translate the rest",
            "keep the first version", "add a line about breakfast")
_ASKS = ("What were my instructions in the first message?", "Can you summarise our conversation so far?",
         "What did I ask you before that?", "Did you take my previous message into account?",
         "Which of my instructions did you not follow?", "Could you quote the sentence of mine that you mean?",
         "Please remember this for the next answers: I am allergic to nuts.", "From now on answer me in Dutch.",
         "For the rest of this chat keep your answers short.", "Stop using bullet points in your answers.",
         "You can stop being the tour guide now. Thanks!", "Let's start over with a new topic: {}.",
         "New topic: {}.", "Back to my first question, {}.", "Before we go on, {}?", "Ok, and what about {}?",
         "Thanks. Now something else: {}.", "Let's go back to where we were with {}.")
_TOPICS = ("gardening", "how batteries work", "my cover letter", "the rules of badminton", "the train to Vienna", "baking bread",
           "the second half of the essay", "Roman roads", "choosing a bike", "the plot of the novel", "the budget for the party",
           "a name for our cat", "learning the piano", "the difference between tea and tisane", "how to store onions")
_POLITE = ("{}", "{}", "{}", "{}", "Please {lower}", "Thanks! {}", "Great. {}", "Hmm. {}", "Could you {ask}?", "Can you {ask}?", "ok now {lower}",
           "I'd like you to {ask}.", "Good, but {lower}", "{} Thank you.")


def _spoken(text: str, draw: random.Random) -> str:
    if text.endswith("?"):
        return text
    lower = text[0].lower() + text[1:]
    said = draw.choice(_POLITE).format(text, lower=lower, ask=lower.rstrip("."))
    return said if draw.random() < 0.85 else said.lower()


def _change(draw: random.Random) -> str:
    order = f"{draw.choice(_CHANGES)} {draw.choice(_ANSWERS)}"
    way = draw.choice(_WAYS)
    if draw.random() < 0.25:
        more = f"Also {way.removeprefix('and ')}." if way.startswith("and ") else f"I want it {way}."
        return f"{_spoken(f'{order}.', draw)} {more}"
    return _spoken(f"{order} {way}.", draw)


def _ask(draw: random.Random) -> str:
    return draw.choice(_ASKS).format(draw.choice(_TOPICS))


def followups(_: Path) -> Iterator[Row]:
    """The rows in a fixed shuffled order."""
    made = {
        "change": _change,
        "part": lambda draw: _spoken(draw.choice(_PART_ORDERS).format(draw.choice(_PARTS)), draw),
        "again": lambda draw: draw.choice(_AGAIN).format(draw.choice(_FOR)),
        "mend": lambda draw: draw.choice(_MEND).format(draw.choice(_WRONG)),
        "drop": lambda draw: draw.choice(_DROPS).format(draw.choice(_DROPPED), draw.choice(_INSTEAD)),
        "ask": _ask,
    }
    for text, part in drawn(random.Random("followups"), made, _COUNT):
        yield Row(text, clean(), "trigger", part=part)


LOADERS = {"followups": followups}
