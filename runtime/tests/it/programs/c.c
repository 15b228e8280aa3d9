/* What C programs expect of WASI, through wasi-libc: standard streams, files, directories, seeking, environment, time. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static int names_in(const char *path) {
    int names = 0;
    DIR *dir = opendir(path);
    if (!dir) return -1;
    for (struct dirent *entry; (entry = readdir(dir));)
        if (entry->d_name[0] != '.') names++;
    closedir(dir);
    return names;
}

int main(int argc, char **argv) {
    char line[65536], motto[100] = "";
    long count = 0;
    struct stat info;
    FILE *in = fopen("/dev/input", "r");
    if (argc != 2 || !in || fstat(fileno(in), &info) != 0) return 2;
    while (fgets(line, sizeof line, in)) count += strstr(line, argv[1]) != NULL;
    rewind(in);
    if (!fgets(line, sizeof line, in)) return 3;

    FILE *from_image = fopen("/etc/motto", "r");
    if (!from_image || !fgets(motto, sizeof motto, from_image)) return 4;
    if (mkdir("/tmp", 0777) != 0) return 5;
    FILE *fresh = fopen("/tmp/fresh", "w+");
    if (!fresh || fprintf(fresh, "%ld", count) < 1 || fseek(fresh, 0, SEEK_SET) != 0) return 6;
    if (fscanf(fresh, "%ld", &count) != 1 || fclose(fresh) != 0) return 7;
    if (rename("/tmp/fresh", "/tmp/kept") != 0 || access("/tmp/fresh", F_OK) == 0) return 8;

    FILE *output = fopen("/dev/output", "w");
    if (!output || fputs("last", output) < 0 || fclose(output) != 0) return 9;
    struct timespec nap = {0, 1000000};
    time_t before = time(NULL);
    if (nanosleep(&nap, NULL) != 0 || time(NULL) < before) return 10;
    fprintf(stderr, "%s", "said aside");
    printf("%ld %lld %s %d %s\n", count, (long long)info.st_size, motto, names_in("/tmp"), getenv("WHO"));
    return 42;
}
