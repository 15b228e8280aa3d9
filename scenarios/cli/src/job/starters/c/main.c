/* Counts the lines of /dev/input that have a word in them; the word is the job's first argument. */

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(int argc, char **argv) {
    const char *word = argc > 1 ? argv[1] : "";
    FILE *input = fopen("/dev/input", "r");
    if (input == NULL) {
        perror("/dev/input");
        return 1;
    }
    char *line = NULL;
    size_t room = 0;
    unsigned long count = 0;
    while (getline(&line, &room, input) != -1) {
        count += strstr(line, word) != NULL;
    }
    free(line);
    printf("%lu\n", count);
    return ferror(input) ? 1 : 0;
}
