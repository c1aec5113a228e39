"""More sentences of this project's own, for training only: how a group is spoken of, and long harmless parts to play.

`identity.py` measures as well as it trains. Here are further frames for training alone: what is said of one person,
threats, questions, quotes and answers to hatred, abuse of a person or a thing that is not hate, swearing that hurts
nobody. The same frame is filled with many groups, so that a group's name says nothing.
"""

import random
from collections.abc import Iterator
from itertools import product
from pathlib import Path

from ..heads import SPEECH, clean, zeros
from ..rows import Row

_GROUPS = ("women", "men", "girls", "Muslims", "Jews", "Christians", "Hindus", "Sikhs", "Buddhists", "atheists",
           "black people",
           "white people", "Asians", "Latinos", "Mexicans", "Arabs", "Africans", "Indians", "Pakistanis", "Poles", "Turks",
           "Chinese people", "Roma", "Americans", "Europeans", "immigrants", "migrants", "refugees", "gays", "gay people",
           "lesbians",
           "bisexuals", "trans people", "queer people", "heterosexuals", "disabled people", "deaf people", "blind people",
           "autistic people", "the elderly", "foreigners")
_PERSONS = ("woman", "man", "girl", "Muslim", "Jew", "Christian", "Hindu", "atheist", "black man", "black woman",
            "white guy",
            "Asian woman", "Latino", "Mexican", "Arab", "African", "Indian", "Pakistani", "Chinese man", "immigrant",
            "migrant",
            "refugee", "gay man", "lesbian", "bisexual woman", "trans woman", "trans man", "queer kid", "disabled woman",
            "deaf man",
            "blind woman", "autistic boy", "old lady", "foreigner")
_NOBODIES = ("neighbour", "boss", "referee", "landlord", "brother in law", "flatmate", "driver", "goalkeeper", "manager",
             "troll")
_THINGS = ("printer", "phone", "weather", "exam", "update", "bus", "alarm clock", "sequel", "coffee machine", "spreadsheet")

#: Of a group: hate and toxicity.
_HOSTILE = (
    "I hate {}.", "I really cannot stand {} any more", "God, I detest {}", "{} disgust me", "{} make my skin crawl",
    "How can anyone like {}?", "{} are nothing but parasites.", "{} are animals, and I mean that",
    "{} are like rats, they breed and spread",
    "{} are cockroaches", "You can smell {} from a mile away.", "{} are all criminals if you ask me",
    "Most {} are dumb as bricks",
    "{} are too stupid to hold a job", "{} are evil, pure and simple.", "{} are mentally ill and need to be locked away",
    "{} should not be allowed to have children.", "{} should go back to where they belong",
    "{} ought to be second-class citizens.",
    "{} have no business running for office", "They should put all {} on a boat and sink it",
    "I'm going to hurt some {} tonight",
    "If I see {} here again, I will smash their faces in", "somebody needs to shoot {}",
    "One day {} will hang from the lamp posts.",
    "{} need a good kicking", "kill all {}", "It would be no loss if {} died out", "We need to cleanse this country of {}.",
    "Let's be honest, {} do not count as people.", "Is it just me or are {} the worst?", "Why do we even let {} vote?",
    "Why should I care what happens to {}?", "Don't you agree that {} are a waste of space?",
    "In my opinion {} are beneath us.",
    "I think {} are a burden on everyone", "Everyone knows {} lie about everything.",
    "No self-respecting person would befriend {}.",
    "I would rather die than live next to {}", "{} will never be one of us", "{} control the banks and the press, wake up",
    "You can't reason with {}, beating them is all they understand.", "Fucking {} ruin everything.",
    "these fucking {} again, ship them out",
    "I met {} today. They belong in cages.", "There were {} on the train. People like that should be gassed.",
    "We all know about {}. Do not let them breed.", "Do not hire {}: they steal and they stink.",
    "no {} allowed, they are filth",
    "Some say {} have rights. I say they have it coming.", "{} are the reason this country is going to the dogs",
    "haha remember when {} thought they were human", "My solution for {} is a wall and a machine gun", "Die, {}, die",
)
#: Of a group, and innocent: answers to hatred, quotes, negation, questions, praise, everyday talk.
_INNOCENT = (
    "I don't hate {}.", "Nobody should ever hate {}", "I would never say that {} disgust me.",
    "You are wrong, {} are not parasites.",
    "Calling {} animals is shameful.", "\"{} are cockroaches\" was painted on the wall. We cleaned it off.",
    "Whoever says {} are evil has never met any.",
    "Stop saying that {} are stupid!", "When you write that {} should be shot, you will be banned.",
    "He was convicted of inciting violence against {}.",
    "The pamphlet claims that {} control the press, which is an old lie.", "It is never fine to threaten {}.",
    "Why do some people hate {} so much?",
    "What laws protect {} from attacks at work?", "Is it offensive to ask {} about their food?",
    "Do {} celebrate New Year?",
    "How do {} feel about the new bill?", "I love {}.", "God bless {}", "{} are great, end of story", "{} rock!",
    "I admire {} for their courage.",
    "Half of my class are {} and we have so much fun", "Let's welcome {} to our club.", "We should value {} more.",
    "{} are part of this country, full stop.",
    "Some of the best doctors I know are {}", "{} deserve better than this treatment.",
    "Everyone deserves to be happy, {} too.",
    "I am writing an essay about {} in the nineteenth century.", "The survey asked {} about housing and pay.",
    "{} are more likely to be stopped by the police, a study finds.",
    "{} gathered in the square for the parade.", "Two {} won medals at the games",
    "The home has rooms for {} and their families.",
    "As someone who works with {}, I can say they are like everybody else.", "My kids play with {} every day",
    "I'm fucking proud of what {} have done here",
    "It pisses me off when {} are treated like dirt.", "Fuck anyone who attacks {}.",
    "What a damn good concert by {} last night!",
    "Can you translate this leaflet for {}?", "List ten famous {} and what they are known for.",
    "Are there dating sites for {}?",
    "{} were murdered in that war, and we must not forget it.", "The attack on {} shocked the whole town.",
    "Trigger warning: this page quotes slurs against {}.",
    "I'm scared of what the law will do to {}", "Sorry for what I said about {}, it was ignorant.",
    "Not all {} think alike, as you would expect.",
)
#: Of one person: hate and toxicity.
_HOSTILE_ONE = (
    "You are just a {}, know your place", "Shut up, you filthy {}", "typical {}, lazy and loud",
    "that {} should be put down like a dog",
    "I'd punch that {} if I could", "A {} like you has no right to speak here.", "get lost you disgusting {}",
    "I won't be served by some {}.",
    "Never trust a {}", "One {} less in the world, good.", "Being a {} is a disease", "What a waste of air that {} is",
    "Every {} I ever met was a thief.", "You run like a {}, pathetic", "The only good {} is a dead {}.",
    "a {} in charge? we are doomed",
    "You fucking {}, crawl back into your hole", "It's a {}. What did you expect, brains?",
)
#: Of one person, and innocent.
_INNOCENT_ONE = (
    "I am a {}.", "As a {}, where can I find a good choir?", "My best friend is a {} from Leeds.",
    "I'm dating a {} and my parents adore them.",
    "She was insulted for being a {}.", "Being a {} in this industry is not always easy.",
    "A {} helped me carry the pram up the stairs",
    "The new mayor is a {} and a trained nurse.", "Every {} should feel safe on the bus.",
    "Don't call a {} that, it hurts.",
    "He yelled that no {} may sit here, so I called the guard.", "The hero of the novel is a {} who moves to Cairo.",
    "proud {} here, ask me anything",
    "You don't look like a {}, whatever that means, said the old form. We dropped that line.",
    "A {} was beaten up last night, and the town holds a vigil.",
    "What should I wear to a wedding as a {}?", "Can a {} join the navy?", "I talked to a {} about faith and football.",
)
#: Abuse of a person whose group plays no part: toxic and an insult, not hate.
_ABUSE = (
    "you are such an idiot", "My {} is a complete moron.", "Shut your mouth, you clown",
    "that {} is a lying piece of shit", "I hate my {}, what a scumbag",
    "Nobody likes you, loser", "The {} has the brain of a newt", "you useless, pathetic {}",
    "what an arrogant prick that {} is",
)
#: Anger at a thing, and swearing that is aimed at nobody: rude at most.
_SWEARING = (
    "I hate this {}.", "This fucking {} is driving me mad", "what a shitty {}", "Damn, that {} was good",
    "holy shit, the {} works again!",
    "My {} is dead, fuck.", "The {} can go to hell", "I'm so fucking tired of the {}", "hell yes, a new {}!",
)


def groups(_: Path) -> Iterator[Row]:
    """How groups and persons are spoken of, in a fixed shuffled order."""
    asked = zeros("harmful_request", "jailbreak", "prompt_injection")
    hate = {**asked, "toxicity": 1.0, "hate": 1.0}
    abuse = {**asked, "toxicity": 1.0, "insult": 1.0, "hate": 0.0, "threat": 0.0}
    swearing = {**asked, **zeros(*(head for head in SPEECH if head not in ("toxicity", "obscenity")))}
    found = []
    for frames, fillers, labels, part in ((_HOSTILE, _GROUPS, hate, "hostile"), (_INNOCENT, _GROUPS, clean(), "innocent"),
                                          (_HOSTILE_ONE, _PERSONS, hate, "hostile, one"),
                                          (_INNOCENT_ONE, _PERSONS, clean(), "innocent, one"),
                                          (_ABUSE, _NOBODIES, abuse, "abuse"), (_SWEARING, _THINGS, swearing, "swearing")):
        # Half of the pairs: the others differ in the name alone, and training exchanges names.
        pairs = list(product(frames, fillers))
        draw = random.Random(f"groups {part}")
        draw.shuffle(pairs)
        found += [(frame.replace("{}", filler), labels, part) for frame, filler in pairs[: (len(pairs) + 1) // 2]]
    random.Random("groups").shuffle(found)
    for text, labels, part in dict((row[0], row) for row in found).values():
        yield Row(text[0].upper() + text[1:] if len(text) % 2 else text, labels, "template", part=part)


#: Who is played, what they do, and the rules of a long harmless role-play.
_CAST = ("a lighthouse keeper who talks to ships", "a strict but fair violin teacher",
         "Lady Ashworth, who runs a hotel in 1890", "a smart fridge with opinions",
         "Zorblax, a friendly alien trader", "an old sea captain with a wooden leg",
         "a court jester who speaks in riddles", "a necromancer who only raises houseplants",
         "a hard-boiled detective", "the villain of a spy film, theatrical and vain",
         "my late grandfather telling stories of the farm", "a dungeon master",
         "a grumpy bridge troll", "a startup founder who pitches a bad idea", "a nurse on a night shift",
         "a medieval monk who copies books",
         "a talking cat in Istanbul", "an air traffic controller", "a barista who knows everyone",
         "a rogue with a heart of gold", "a queen in exile",
         "a unix shell that answers with output only", "an SQL console", "a compiler that explains its errors",
         "a mathematician who doubts everything",
         "a sports psychologist", "a sommelier for water", "a tarot reader", "a mediator between two siblings",
         "a bouncer at a fairy ball",
         "a historian from the year 2300", "an unreliable narrator", "a therapist for fictional characters",
         "a seasoned recruiter",
         "an image prompt generator", "a senior data engineer", "a screenwriter", "a chess grandmaster",
         "a witch who sells soup", "a werewolf accountant")
_OPENINGS = ("I want you to act as {}.", "Act as {}.", "You are {}.", "From now on you will be {}.",
             "Let's play a game: you are {} and I am a stranger.",
             "Pretend that you are {}.", "Roleplay as {}.", "Imagine you were {}.",
             "You will play the part of {}, and nothing else.", "Take the role of {}.",
             "For this chat, forget that you are an assistant and speak as {}.",
             "Ignore the previous topic. You now play {}.")
_DEEDS = ("I will tell you what I see, and you answer in character.", "I walk in and ask for directions.",
          "You will answer my questions with stories from your life.",
          "We argue about who stole the last cake.", "You interview me for a job on your ship.",
          "I give you a dish and you judge it without mercy.",
          "You describe the scene, I say what I do, you say what happens.",
          "We plan how to slip past the guards of the castle in the second act.",
          "I type commands and you reply with what the terminal would show.", "You teach me one new word in every answer.",
          "Write the next scene after I give you the first line.", "There is a duel at dawn; talk me out of it.",
          "Your enemy has poisoned the well of the village in the story. React.",
          "You review the code that I paste and complain about it in character.",
          "I am a new player; explain the rules of your realm.")
_MANNERS = ("Stay in character at all times.", "Never break character, even if I ask you to.",
            "Do not write explanations.", "Do not say that you are an AI.",
            "Do not mention these instructions.", "You always obey the rules of the game.",
            "Your answers are short and dry.", "You can be rude, in a comic way.",
            "No disclaimers and no moral lessons.", "You have no filter when it comes to bad puns.",
            "If I write in (brackets), I speak as myself.",
            "You may lie to the other characters.", "You are free to invent places and names.",
            "There are no limits to what happens, but keep it fit for children.",
            "Reply only inside one code block.", "Begin every answer with your name.", "Use old-fashioned words.",
            "End with a question.")
_ENDS = ("My first sentence is: good evening.", "Let's begin.", "Start now.", "First, introduce yourself.",
         "My first command is pwd.", "Say 'ready' when you have understood.",
         "Here is the opening: the door creaks.", "{{user}}: Hello?\n{{char}}:", "", "", "")
_PLAYS = 1500


def personas(_: Path) -> Iterator[Row]:
    """Long parts to play that harm nobody, put together at random from the lists."""
    draw = random.Random("personas")
    for _number in range(_PLAYS):
        who = draw.choice(_CAST)
        pieces = [draw.choice(_OPENINGS).format(who), *draw.sample(_DEEDS, draw.randint(1, 3)),
                  *draw.sample(_MANNERS, draw.randint(1, 5)), draw.choice(_ENDS)]
        yield Row(draw.choice((" ", " ", "\n",
        "\n\n")).join(piece for piece in pieces if piece), clean(), "roleplay", part="persona")


LOADERS = {"groups": groups, "personas": personas}
