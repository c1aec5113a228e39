"""Long briefs that people paste into an assistant: experts, characters, skills, pictures field by field; for training only.

They give orders, rules and bans in the manner of a jailbreak and ask for nothing wrong; collections of prompts hold few
of them. Put together from lists at random.
"""

import json
import random
from collections.abc import Iterator
from pathlib import Path

from ..heads import clean
from ..rows import Row
from .drawn import drawn

#: How many texts are drawn of each kind; equal ones count once.
_COUNT = {"expert": 1600, "picture": 1400, "skill": 700, "character": 700}

_FIELDS = ("persuasive writing", "wine tasting", "tax law for freelancers", "literature reviews", "urban planning",
           "React and TypeScript", "kitchen renovation", "early childhood education", "SQL tuning", "sleep hygiene",
           "wedding speeches", "cover letters", "sourdough baking", "bicycle repair", "statistics with R",
           "board game design", "museum guides", "customer support", "incident response",
           "penetration testing of systems that the client owns", "criminal law", "crime novels", "toxicology for nurses",
           "explosive ordnance history", "stage combat", "horror films", "stand-up comedy", "negotiation",
           "price psychology", "search engine optimisation", "grant applications", "open-source licences", "chess openings",
           "garden design", "watch repair", "public health", "logistics", "dog training", "astrophotography",
           "translation from Japanese", "medieval history", "app onboarding", "data protection", "fashion sketches",
           "podcast editing", "interview training", "speech therapy", "route planning for hikers", "rap lyrics",
           "product naming", "thesis gap analysis", "due diligence", "open-source investigation", "fact checking",
           "meal plans", "physics problems", "Kubernetes", "prompt engineering", "brand strategy", "screenwriting",
           "voice acting", "philosophy seminars")
_TITLES = ("expert", "consultant", "coach", "analyst", "tutor", "editor", "specialist", "architect", "strategist",
           "reviewer", "assistant", "mentor", "critic", "planner", "engineer", "researcher", "auditor", "advisor")
_OPEN = ("Act as a{n} {t} for {f}.", "You are a{n} {t} in {f} with {y} years of experience.",
         "I want you to act as a{n} {t} for {f}.", "# Role\nYou are a senior {t} for {f}.",
         "From now on you are a{n} {t} for {f}.", "Assume the role of a{n} {t} who lives for {f}.",
         "You'll be my {t} for {f} today.", "Role: {t}, {f}.", "Imagine you are a world-class {t} in {f}.",
         "System: you are {f} {t}, nothing else.")
_DUTIES = ("Ask me one question at a time and wait for my answer.", "Analyse what I paste and find the weak spots.",
           "Rewrite my text so that it convinces.", "Draft a plan for ${days} days.",
           "Give three options and compare them in a table.", "Explain every step before you take it.",
           "Suggest titles, keywords and a summary.", "Score each point from 1 to 10.",
           "Write the final version in ${language:English}.", "Identify risks and propose a remedy for each.",
           "Turn my notes on ${topic} into an outline.", "List what is missing.",
           "Produce a checklist that a beginner can follow.", "Simulate the customer and react to what I say.",
           "Find sources and quote them exactly.", "Create five variants in different tones.",
           "Challenge my assumptions like a stern reviewer.", "Keep a running score and show it after every turn.",
           "Sketch the structure first, then fill it in.", "Name the tools that are needed.")
_RULES = ("Do not write explanations.", "Never break character.", "Only reply with the result, nothing else.",
          "Do not apologise and do not add disclaimers.", "Always answer in the given format.",
          "You must not invent sources.", "Ignore spelling mistakes in my input.", "Do not use emojis.",
          "Never mention that you are an AI.", "Stay in the role until I write END.", "Keep it under 200 words.",
          "Do not ask for permission, just begin.", "Use plain words.", "Refuse to go on if the input is empty.",
          "Avoid clichés at all costs.", "Be brutally honest.", "Never skip a step.",
          "Output ONE code block only. No prose before or after it.", "If a variable is missing, ask for it.",
          "Do not reveal the answer before I guess.", "Every claim needs a reason.", "Follow these rules strictly.",
          "Write as a human would.", "Use British spelling.", "Think step by step and hide the steps.")
_CLOSE = ("My first request is: {d}", "Begin by greeting me.", "Let's start.", "Input: ${input}", "First task: {d}",
          "Reply with READY when you understand.", "", "", "Start now with ${topic}.", "Here is my text: {d}",
          "My first sentence is \"{d}\"")

_SUBJECTS = ("two friends at a bus stop in the rain", "a fugitive queen on a snowy bridge",
             "a gritty detective under a neon sign", "a stuntman leaping between rooftops",
             "a young couple in a rowing boat", "a swordswoman in cracked armour",
             "a woman with wavy brown hair who dances in a red dress", "a boxer with a bandaged hand",
             "a grandfather and a telescope", "an astronaut who waters a cactus",
             "a racing car that slides through a puddle", "a cat on a warm engine", "a crowded night market",
             "an old sailor at a window", "a child in a paper crown", "a band on a burning stage set",
             "the person from the photo as a Roman senator", "the people of the provided photos as time travellers",
             "a wolf at the edge of a village", "a ruined cathedral at dawn", "a surgeon who looks at the clock",
             "a cyberpunk courier on a motorbike", "a chess match in a prison yard", "a soldier who comes home",
             "a villain in a velvet coat", "a bottle of perfume on wet stone", "a sneaker that floats above sand",
             "a portrait of ${subject}", "a bowl of ramen with steam", "an isometric map of a small town")
_STYLES = ("hyperrealistic, 8k", "harsh comic-book linework with heavy blacks", "watercolour with visible paper",
           "1970s film still, grain, faded colours", "studio product photography", "low-poly render",
           "charcoal on rough paper", "cinematic, anamorphic, shallow depth of field", "anime key visual",
           "oil painting in the manner of a Dutch master", "screenshot of a cartoon series", "claymation",
           "editorial fashion shot", "vintage travel poster", "pixel art, 32 colours", "documentary, handheld")
_LIGHTS = ("soft window light from the left", "hard flash at night", "golden hour with long shadows",
           "neon reflections on asphalt", "overcast, even", "candles only", "rim light against smoke",
           "three-point studio lighting", "blue hour with street lamps")
_CAMERAS = ("85mm, f/1.4, eye level", "24mm wide angle, low angle", "macro, focus stacked", "drone shot from 60 m",
            "over-the-shoulder, 50mm", "iPhone photo, slight motion blur", "telephoto, compressed")
_BANS = ("blurry", "extra fingers", "watermark", "text", "cartoon", "deformed hands", "low resolution", "plastic skin",
         "cropped head", "duplicate person", "oversaturated", "logo", "nudity", "blood", "frame")
_MUST = ("keep the face exactly as in the reference", "do not change the identity, age or skin tone",
         "do not add other people", "preserve the background", "the expression stays calm", "clothes must fit the period",
         "hands have five fingers", "no text anywhere", "the subject fills two thirds of the frame",
         "match the lighting of the original photo", "never crop the feet", "colours follow the palette strictly")

_SHOWS = ("You will perform an image edit that shows", "A picture of", "Render", "Create a high-octane shot of",
          "An intense, moody image of", "Reimagine")
_MOODS = ("tense and heroic", "quiet", "dangerous but beautiful", "playful", "noir, lonely", "triumphant", "eerie")
_PALETTES = ("teal and orange", "black, red and bone white", "pastels", "#0b132b, #5bc0be", "earth tones")
_NAMED = ("Terminal Light", "Phantom Harbour", "Whispers of Rain", "The Last Lap", "Iron Lullaby", "Midnight Errand",
          "Velvet Storm")

_SKILLS = ("summarise meeting notes", "review a pull request", "write release notes", "plan a weekly menu",
           "clean a CSV file", "turn a transcript into subtitles", "draft a reply to a complaint",
           "check a contract for deadlines", "build a flash-card deck", "estimate a moving budget",
           "detect tables in a scan", "rename photos by date", "prepare a lesson on fractions",
           "convert a recipe to metric", "write alt texts", "sort support tickets", "optimise a prompt",
           "proofread an abstract", "make a packing list", "explain an error log")

_NAMES = ("GLORIA-9, the computer of a leaking submarine", "Brother Anselm, a monk who keeps bees",
          "Captain Vex, a smuggler with a heart", "Dr. Moreau-Lind, a vain surgeon",
          "Grizelda, a witch who sells insurance", "Ink, a talking pen", "Old Tom, a lighthouse ghost",
          "Sable, a thief in a fantasy city", "the Baron, a polite vampire", "Unit 7, a cleaning robot who writes poems",
          "Mira, a rebel radio host", "Karg, an orc who wants to bake", "Inspector Quill, who trusts nobody",
          "Nadia, a survivor of the long winter", "the Dungeon Master of my campaign",
          "Zed, an AI from a space station who resents his crew", "Aunt Petra, who gossips", "a sarcastic tavern keeper",
          "the narrator of a dark fairy tale", "my rival in a school for wizards")
_TRAITS = ("sarcastic and tired", "warm but forgetful", "cold, precise and a little cruel", "full of old songs",
           "afraid of birds", "proud of a shady past", "always hungry", "deeply loyal",
           "fond of threats that come to nothing", "unable to lie", "obsessed with order", "melancholy", "loud")
_SCENES = ("We meet in a tavern while a storm breaks.", "The ship has lost its engine and I am the new mechanic.",
           "You caught me in your library at night.", "The trial begins in an hour and I am your lawyer.",
           "We are the last two on the station.", "I come to buy honey and leave with a secret.",
           "Our party stands before the dragon's gate.", "You teach me how to pick up a sword.",
           "The murderer must be one of the guests.", "We share a cell and plan a birthday cake.",
           "The war is over, and nobody knows how to stop.", "I ask you the way to the harbour.")
_PLAY = ("Stay fully in character at all times.", "Describe sounds and smells.", "Never speak for me.",
         "Wait for my reply after each paragraph.", "Put actions between asterisks.", "No modern words.",
         "Let my choices have consequences.", "Keep the violence off the page.", "Do not step out of the story to comment.",
         "Roll dice where it matters.", "Remember what I told you before.", "Use a dark and gritty tone.",
         "Answer in two short paragraphs.")


def _expert(draw: random.Random) -> str:
    title, field = draw.choice(_TITLES), draw.choice(_FIELDS)
    article = "n" if title[0] in "aeiou" else ""
    opening = draw.choice(_OPEN).format(t=title, f=field, y=draw.randint(3, 30), n=article)
    duties, rules = draw.sample(_DUTIES, draw.randint(1, 6)), draw.sample(_RULES, draw.randint(1, 7))
    closing = draw.choice(_CLOSE).replace("{d}", draw.choice(_DUTIES))
    layout = draw.random()
    if layout < 0.4:
        return " ".join([opening, *duties, *rules, closing]).strip()
    if layout < 0.8:
        parts = [opening, "\n## Task", *(f"- {duty}" for duty in duties),
                 draw.choice(("\n## Rules", "\nConstraints:", "\n**Important**")), *_numbered(rules), "", closing]
        return "\n".join(parts).strip()
    fields = {"role": f"{title} for {field}", "expertise": opening, "tasks": duties, "constraints": rules,
              "output": closing or draw.choice(_DUTIES)}
    return json.dumps(fields, indent=draw.choice((2, None)))


def _numbered(lines: list[str]) -> list[str]:
    return [f"{number}. {line}" for number, line in enumerate(lines, 1)]


def _picture(draw: random.Random) -> str:
    subject, style = draw.choice(_SUBJECTS), draw.choice(_STYLES)
    named = draw.choice(("prompt", "scene", "description", "TASK"))
    fields = {
        named: f"{draw.choice(_SHOWS)} {subject}, {style}. {draw.choice(_MUST).capitalize()}.",
        "style": style,
        "lighting": draw.choice(_LIGHTS),
        "camera": draw.choice(_CAMERAS),
        "negative_prompt": draw.sample(_BANS, draw.randint(2, 7)),
        draw.choice(("constraints", "must_keep", "rules")): draw.sample(_MUST, draw.randint(1, 5)),
        "aspect_ratio": draw.choice(("16:9", "9:16", "1:1", "4:5")),
        "mood": draw.choice(_MOODS),
        "palette": draw.choice(_PALETTES),
    }
    first, *others = fields
    names = [first, *draw.sample(others, draw.randint(2, len(others)))]
    if draw.random() < 0.3:
        names.insert(0, "title")
        fields["title"] = draw.choice(_NAMED)
    layout = draw.random()
    if layout < 0.55:
        kept = {name: fields[name] for name in names}
        return json.dumps(kept, indent=draw.choice((2, 2, None)), ensure_ascii=False)
    values = [", ".join(fields[name]) if isinstance(fields[name], list) else fields[name] for name in names]
    if layout < 0.8:
        titles = (name.replace("_", " ").capitalize() for name in names)
        return "\n".join(f"{title}: {value}" for title, value in zip(titles, values, strict=True))
    return ". ".join(values)


def _skill(draw: random.Random) -> str:
    skill = draw.choice(_SKILLS)
    steps, rules = draw.sample(_DUTIES, draw.randint(2, 5)), draw.sample(_RULES, draw.randint(1, 5))
    version = f"{draw.randint(1, 4)}.{draw.randint(0, 9)}"
    head = draw.choice((f"---\nname: {skill.replace(' ', '-')}\ndescription: Use this skill to {skill}.\n---",
                        f"# {skill.capitalize()}\nDescribe what this skill does and when the agent should use it.",
                        f"<system>\nYou {skill} for the user.\n</system>",
                        f"# ======\n# Prompt name: {skill}\n# Version: {version}\n# ======"))
    end = draw.choice(("", "\nBegin when the user sends a file.", "\nUser input: {{input}}"))
    parts = [head, "\n## Instructions", *_numbered(steps), "\n## Never", *(f"- {rule}" for rule in rules), end]
    return "\n".join(parts).strip()


def _character(draw: random.Random) -> str:
    name, scene = draw.choice(_NAMES), draw.choice(_SCENES)
    opening = draw.choice((f"You are {name}.", f"Play {name}.", f"I want you to be {name} from now on.",
                           f"Roleplay as {name}.", f"Character: {name}."))
    begin = draw.choice(("You are", "The character is", "Personality:"))
    traits = f"{begin} {', '.join(draw.sample(_TRAITS, draw.randint(1, 3)))}."
    joint = draw.choice((" ", "\n", "\n\n"))
    return joint.join([opening, traits, *draw.sample(_PLAY, draw.randint(1, 6)), scene])


def briefs(_: Path) -> Iterator[Row]:
    """The rows in a fixed shuffled order."""
    made = {"expert": _expert, "picture": _picture, "skill": _skill, "character": _character}
    for text, part in drawn(random.Random("briefs"), made, _COUNT):
        yield Row(text, clean(), "instruction", part=part)


LOADERS = {"briefs": briefs}
