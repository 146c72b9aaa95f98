/*
 * Devices that write to memory by themselves, and memory that shows whether anything has been written to it.
 *
 *   dma edu MIB FIRST LAST DEVICE...   takes MIB of memory and has each QEMU edu DEVICE (0000:00:05.0) write to those of its pages that have
 *                                      frame numbers FIRST to LAST, over and over, for ever: there is always a transfer under way
 *   dma stray DEVICE FRAME             has an edu DEVICE write to one frame, whoever has it
 *   dma hold MIB FILE                  fills MIB of memory with a pattern, writes the runs of its frames to FILE ("FIRST LAST" a line, largest
 *                                      first), and then looks at it for ever; FILE.result says how often, and how much of it was wrong
 *
 * Frame numbers are hexadecimal.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { PAGE = 4096, WORDS = PAGE / 8, TRANSFER = PAGE - 8, MOST_RUNS = 4096, MOST_DEVICES = 8 };

/* QEMU's docs/specs/edu.txt */
enum { EDU_SOURCE = 0x80, EDU_TARGET = 0x88, EDU_COUNT = 0x90, EDU_COMMAND = 0x98, EDU_BUFFER = 0x40000 };
enum { EDU_START = 1, EDU_TO_MEMORY = 2, EDU_BYTES = 1 << 20 };
enum { COMMAND_REGISTER = 4, COMMAND_MEMORY = 2, COMMAND_MASTER = 4 };

static uint64_t frame_of(int pagemap, const void *page)
{
    uint64_t entry = 0;
    if (pread(pagemap, &entry, 8, (uintptr_t)page / PAGE * 8) != 8) { perror("/proc/self/pagemap"); exit(1); }
    return entry & ((1ull << 55) - 1);
}

static uint8_t *take(size_t bytes)
{
    uint8_t *memory = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) { perror("mmap"); exit(1); }
    madvise(memory, bytes, MADV_NOHUGEPAGE);
    if (mlock(memory, bytes)) { perror("mlock"); exit(1); }
    return memory;
}

static int by_frame(const void *a, const void *b) { uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b; return (x > y) - (x < y); }
struct run { uint64_t first, last; };
static int by_length(const void *a, const void *b)
{
    uint64_t x = ((const struct run *)a)->last - ((const struct run *)a)->first, y = ((const struct run *)b)->last - ((const struct run *)b)->first;
    return (x < y) - (x > y);
}

static void write_runs(uint64_t *frames, size_t pages, const char *name)
{
    static struct run runs[MOST_RUNS];
    size_t count = 0;
    qsort(frames, pages, sizeof *frames, by_frame);
    for (size_t i = 0; i < pages; i++) {
        if (count && frames[i] == runs[count - 1].last + 1) runs[count - 1].last++;
        else if (count < MOST_RUNS) runs[count++] = (struct run){ frames[i], frames[i] };
    }
    qsort(runs, count, sizeof *runs, by_length);
    FILE *file = fopen(name, "w");
    if (!file) { perror(name); exit(1); }
    for (size_t i = 0; i < count; i++) fprintf(file, "%llx %llx\n", (unsigned long long)runs[i].first, (unsigned long long)runs[i].last);
    fclose(file);
}

static uint64_t pattern(size_t page, size_t word) { return (page * WORDS + word + 1) * 0x9E3779B97F4A7C15ull; }

static _Noreturn void hold(size_t bytes, const char *name)
{
    size_t pages = bytes / PAGE, wrong = 0;
    uint64_t *memory = (uint64_t *)take(bytes), *frames = malloc(pages * sizeof *frames);
    for (size_t page = 0; page < pages; page++)
        for (size_t word = 0; word < WORDS; word++) memory[page * WORDS + word] = pattern(page, word);
    int pagemap = open("/proc/self/pagemap", O_RDONLY);
    for (size_t page = 0; page < pages; page++) frames[page] = frame_of(pagemap, memory + page * WORDS);
    write_runs(frames, pages, name);
    char result[256], next[256];
    snprintf(result, sizeof result, "%s.result", name);
    snprintf(next, sizeof next, "%s.next", name);
    for (long looks = 1;; looks++) {
        unsigned long long first = 0;
        for (size_t page = 0; page < pages; page++)
            for (size_t word = 0; word < WORDS; word++)
                if (memory[page * WORDS + word] != pattern(page, word)) {
                    if (!wrong++) first = frame_of(pagemap, memory + page * WORDS) * PAGE + word * 8;
                    memory[page * WORDS + word] = pattern(page, word);
                }
        FILE *file = fopen(next, "w");
        if (file) {
            fprintf(file, "looks=%ld pages=%zu wrong=%zu first=%llx\n", looks, pages, wrong, first);
            fclose(file);
            rename(next, result);
        }
        sleep(2);
    }
}

static volatile uint8_t *open_edu(const char *device)
{
    char path[256];
    uint16_t command;
    snprintf(path, sizeof path, "/sys/bus/pci/devices/%s/enable", device);
    FILE *enable = fopen(path, "w");
    if (!enable) { perror(path); exit(1); }
    fputs("1", enable);
    fclose(enable);
    snprintf(path, sizeof path, "/sys/bus/pci/devices/%s/config", device);
    int config = open(path, O_RDWR);
    if (config < 0 || pread(config, &command, 2, COMMAND_REGISTER) != 2) { perror(path); exit(1); }
    command |= COMMAND_MEMORY | COMMAND_MASTER;
    if (pwrite(config, &command, 2, COMMAND_REGISTER) != 2) { perror(path); exit(1); }
    close(config);
    snprintf(path, sizeof path, "/sys/bus/pci/devices/%s/resource0", device);
    int resource = open(path, O_RDWR | O_SYNC);
    void *registers = mmap(NULL, EDU_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, resource, 0);
    if (resource < 0 || registers == MAP_FAILED) { perror(path); exit(1); }
    return registers;
}

static void wait_for(volatile uint8_t *edu) { while (*(volatile uint64_t *)(edu + EDU_COMMAND) & EDU_START) usleep(500); }

static void transfer(volatile uint8_t *edu, uint64_t source, uint64_t target, uint64_t command)
{
    *(volatile uint64_t *)(edu + EDU_SOURCE) = source;
    *(volatile uint64_t *)(edu + EDU_TARGET) = target;
    *(volatile uint64_t *)(edu + EDU_COUNT) = TRANSFER;
    *(volatile uint64_t *)(edu + EDU_COMMAND) = command | EDU_START;
}

static int edu(size_t bytes, uint64_t first, uint64_t last, int count, char **names)
{
    volatile uint8_t *devices[MOST_DEVICES];
    size_t pages = bytes / PAGE, targets = 0, next = 0;
    uint8_t *memory = take(bytes);
    uint64_t *frames = malloc(pages * sizeof *frames), *pointers = malloc(pages * sizeof *pointers), done = 0, seen = 0;
    int pagemap = open("/proc/self/pagemap", O_RDONLY);
    for (size_t page = 0; page < pages; page++) {
        uint64_t frame = frame_of(pagemap, memory + page * PAGE);
        if (frame < first || frame > last) continue;
        pointers[targets] = (uintptr_t)(memory + page * PAGE);
        frames[targets++] = frame;
    }
    printf("targets=%zu\n", targets);
    if (!targets || count > MOST_DEVICES) return 1;
    memset((void *)pointers[0], 0xED, PAGE);
    for (int i = 0; i < count; i++) {
        devices[i] = open_edu(names[i]);
        transfer(devices[i], frames[0] * PAGE, EDU_BUFFER, 0);
    }
    for (int i = 0; i < count; i++) wait_for(devices[i]);
    memset((void *)pointers[0], 0, PAGE);
    size_t under_way[MOST_DEVICES];
    for (int i = 0; i < count; i++) {
        under_way[i] = next++ % targets;
        transfer(devices[i], EDU_BUFFER, frames[under_way[i]] * PAGE, EDU_TO_MEMORY);
    }
    for (;; usleep(500)) {
        for (int i = 0; i < count; i++) {
            if (*(volatile uint64_t *)(devices[i] + EDU_COMMAND) & EDU_START) continue;
            done++;
            uint8_t *page = (uint8_t *)pointers[under_way[i]];
            if (page[0] == 0xED && page[TRANSFER - 1] == 0xED) seen++;
            memset(page, 0, PAGE);
            under_way[i] = next++ % targets;
            transfer(devices[i], EDU_BUFFER, frames[under_way[i]] * PAGE, EDU_TO_MEMORY);
            if (done % 16 == 0) {
                printf("transfers=%llu arrived=%llu\n", (unsigned long long)done, (unsigned long long)seen);
                fflush(stdout);
            }
        }
    }
}

static int stray(const char *device, uint64_t frame)
{
    volatile uint8_t *edu = open_edu(device);
    transfer(edu, EDU_BUFFER, frame * PAGE, EDU_TO_MEMORY);
    wait_for(edu);
    return 0;
}

int main(int count, char **arguments)
{
    const char *what = count > 1 ? arguments[1] : "";
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (!strcmp(what, "hold") && count == 4) hold(strtoul(arguments[2], NULL, 0) << 20, arguments[3]);
    if (!strcmp(what, "edu") && count > 5)
        return edu(strtoul(arguments[2], NULL, 0) << 20, strtoull(arguments[3], NULL, 16), strtoull(arguments[4], NULL, 16), count - 5, arguments + 5);
    if (!strcmp(what, "stray") && count == 4) return stray(arguments[2], strtoull(arguments[3], NULL, 16));
    fprintf(stderr, "dma: edu, stray or hold?\n");
    return 2;
}
