count = 0
for line in open("/dev/input"):
    if "banana" in line:
        count += 1
print count
