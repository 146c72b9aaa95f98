/*
 * Measures what a busy neighbour costs this system, on each processor: how late a program wakes up that sleeps until a time, and how long a fixed amount of
 * computing takes.
 *
 *   latency SECONDS
 *
 * For half of that time the processors compute besides, for the other half they do nothing else than wake up now and then. Prints one line of JSON: of each processor
 * how late it woke up when it was idle ("idle") and when it was busy ("busy"), and how long one piece of computing took ("loop"), all in microseconds.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { MOST_CPUS = 256, STEPS = 2000000, NICENESS = 10, PRIORITY = 80, MEDIAN = 50, HIGH = 99, PERCENT = 100 };
static const long long SECOND = 1000000000, MICROSECOND = 1000;
/* No multiple of the kernel's tick: all phases of it are met. */
static const long long INTERVAL = 3100000;
/* Knuth's MMIX generator. */
static const uint64_t FACTOR = 6364136223846793005u, SUMMAND = 1442695040888963407u;

struct samples { long long *values; size_t count, room; };
struct processor { int cpu; struct samples idle, busy, loop; pthread_t waker, worker; };

static struct processor processors[MOST_CPUS];
static int processor_count;
static long long start_time, middle_time, end_time;
static _Atomic int problem;

static long long now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * SECOND + time.tv_nsec;
}

static void sleep_until(long long when)
{
    struct timespec time = { .tv_sec = when / SECOND, .tv_nsec = when % SECOND };
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &time, NULL) == EINTR) { }
}

static void make_room(struct samples *samples, long long room)
{
    samples->room = (size_t)room;
    samples->values = malloc(samples->room * sizeof *samples->values);
    if (!samples->values) { perror("latency"); exit(1); }
}

static void add(struct samples *samples, long long value)
{
    if (samples->count < samples->room) samples->values[samples->count++] = value;
}

static void pin(int cpu)
{
    cpu_set_t own;
    CPU_ZERO(&own);
    CPU_SET(cpu, &own);
    if (sched_setaffinity(0, sizeof own, &own)) problem = errno;
}

static void *wake_up(void *argument)
{
    struct processor *processor = argument;
    struct sched_param priority = { .sched_priority = PRIORITY };
    pin(processor->cpu);
    if (sched_setscheduler(0, SCHED_FIFO, &priority)) problem = errno;
    for (long long next = start_time; next < end_time;) {
        sleep_until(next);
        long long woken = now();
        add(next < middle_time ? &processor->busy : &processor->idle, woken - next);
        /* What was slept through is not slept through again. */
        while (next <= woken) next += INTERVAL;
    }
    return NULL;
}

static void *compute(void *argument)
{
    struct processor *processor = argument;
    uint64_t value = (uint64_t)processor->cpu;
    pin(processor->cpu);
    setpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid), NICENESS);
    sleep_until(start_time);
    for (long long began = now(), ended; began < middle_time; began = ended) {
        for (int i = 0; i < STEPS; i++) {
            value = value * FACTOR + SUMMAND;
            __asm__ volatile("" : "+r"(value));
        }
        ended = now();
        add(&processor->loop, ended - began);
    }
    return NULL;
}

static int compare(const void *a, const void *b)
{
    long long left = *(const long long *)a, right = *(const long long *)b;
    return (left > right) - (left < right);
}

static double at(const struct samples *samples, size_t percent)
{
    return samples->count ? (double)samples->values[(samples->count - 1) * percent / PERCENT] / MICROSECOND : 0;
}

static void print(const char *name, struct samples *samples)
{
    double sum = 0;
    qsort(samples->values, samples->count, sizeof *samples->values, compare);
    for (size_t i = 0; i < samples->count; i++) sum += (double)samples->values[i] / MICROSECOND;
    printf(",\"%s\":{\"count\":%zu,\"mean\":%.1f,\"median\":%.1f,\"p99\":%.1f,\"max\":%.1f}", name, samples->count,
        samples->count ? sum / (double)samples->count : 0, at(samples, MEDIAN), at(samples, HIGH), at(samples, PERCENT));
}

static void start(pthread_t *thread, void *(*run)(void *), struct processor *processor)
{
    if ((errno = pthread_create(thread, NULL, run, processor))) { perror("latency: pthread_create"); exit(1); }
}

int main(int count, char **arguments)
{
    cpu_set_t all;
    char *end = "";
    long seconds = count == 2 ? strtol(arguments[1], &end, 10) : 0;
    if (seconds <= 0 || *end) { fputs("latency SECONDS\n", stderr); return 2; }
    if (sched_getaffinity(0, sizeof all, &all)) { perror("latency: sched_getaffinity"); return 1; }
    mlockall(MCL_CURRENT | MCL_FUTURE);
    for (int cpu = 0; cpu < CPU_SETSIZE && processor_count < MOST_CPUS; cpu++) {
        if (!CPU_ISSET(cpu, &all)) continue;
        struct processor *processor = &processors[processor_count++];
        processor->cpu = cpu;
        make_room(&processor->idle, seconds * SECOND / INTERVAL + 1);
        make_room(&processor->busy, seconds * SECOND / INTERVAL + 1);
        make_room(&processor->loop, seconds * SECOND / INTERVAL + 1);
    }
    /* The threads are there before it begins: all of their stacks is brought into memory first. */
    start_time = now() + SECOND;
    middle_time = start_time + seconds * SECOND / 2;
    end_time = start_time + seconds * SECOND;
    for (int i = 0; i < processor_count; i++) {
        start(&processors[i].waker, wake_up, &processors[i]);
        start(&processors[i].worker, compute, &processors[i]);
    }
    for (int i = 0; i < processor_count; i++) {
        pthread_join(processors[i].waker, NULL);
        pthread_join(processors[i].worker, NULL);
    }
    if (problem) { fprintf(stderr, "latency: %s\n", strerror(problem)); return 1; }
    printf("{\"seconds\":%ld,\"processors\":[", seconds);
    for (int i = 0; i < processor_count; i++) {
        printf("%s{\"cpu\":%d", i ? "," : "", processors[i].cpu);
        print("idle", &processors[i].idle);
        print("busy", &processors[i].busy);
        print("loop", &processors[i].loop);
        printf("}");
    }
    printf("]}\n");
    return 0;
}
