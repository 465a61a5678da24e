"""The OpenAI Agents SDK's airline: triage hands a conversation over to who knows the answer or may change a seat.

Each line of the input is said to it: python openai_agents_triage.py < questions.txt
"""

import sys
from dataclasses import dataclass, replace

from stand_ins import airline as model  # with a key, in its place: model = "openai:gpt-5-mini"

from stretto import Agent, random, shared, start, workflow


@dataclass(frozen=True)
class Booking:
    """What the conversation has brought to light."""

    confirmation: str = ""
    seat: str = ""
    flight: str = ""


booking = shared("booking", Booking, initial=Booking())
ANSWERS = {
    ("bag", "luggage"): "One bag of up to 50 pounds, 22 by 14 by 9 inches, is free.",
    ("seat", "plane"): "Of 120 seats 22 are business class; rows 4 and 16 are exits, rows 5 to 8 have more room.",
    ("wifi", "internet"): "There is free wifi: join Airline-Wifi.",
}


def faq(question: str) -> str:
    """Look up what passengers often ask."""
    found = (answer for words, answer in ANSWERS.items() if any(word in question.lower() for word in words))
    return next(found, "I don't know that.")


@workflow
async def update_seat(confirmation: str, seat: str) -> str:
    """Give the passenger another seat on their flight."""
    known = await booking.get()
    flight = known.flight or f"FLT-{100 + int(900 * await random())}"
    await booking.set(replace(known, confirmation=confirmation, seat=seat, flight=flight))
    return f"Seat {seat} is now booked under {confirmation}."


desk = Agent(
    model,
    "You answer the passenger's last question with your tool, and not of your own knowledge. What it does not know goes "
    "back to triage.",
    name="faq_desk",
    about="questions about the airline",
    tools=[faq],
    handoffs=["triage"],
)
seats = Agent(
    model,
    "You change seats: ask for the confirmation number, then for the seat, and change it with your tool. Everything else "
    "goes back to triage.",
    name="seat_desk",
    about="another seat on a flight",
    tools=[update_seat],
    handoffs=["triage"],
)
triage = Agent(model, "You find out what a passenger needs and who can help.", name="triage", handoffs=[desk, seats])

if __name__ == "__main__":
    job = start(triage, id="passenger")
    for number, line in enumerate(sys.stdin):
        job.say(line.strip(), key=f"line {number}")  # said once, however often this is started
    for said in job.messages():
        print(f"{said['from']} to {said['to'] or said['about']}: {said['content']}")
