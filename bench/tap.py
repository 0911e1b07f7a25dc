"""What a test of a program prints: one line of TAP for each check, and what was seen where it failed."""
failures = []


def check(name, right, *shown):
    print(f"{'ok' if right else 'not ok'} - {name}")
    if not right:
        failures.append(name)
        for text in shown:
            print(f"# {text!r}")
