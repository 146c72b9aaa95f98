/*
 * Shows whether a copy of the system shares memory with it that it must not share. The first processor writes a new mark to page after page; each other
 * one looks at all pages again and again, without ever leaving the program. A mark is announced before it is written, and no two systems make the same.
 *
 *   apart         until it is terminated
 *
 * "apart: WRONG ..." is printed for each mark that nobody here has announced, "apart: ended after N rounds" at the end. The status is 1 if there was one.
 */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

enum { PAGE = 4096, PAGES = 256, WRITE_INTERVAL = 5 * 1000 * 1000, MOST_COMPLAINTS = 5 };

static volatile uint64_t *pages;
/* In one page of its own: the first mark that is announced after a copy was made separates it from the copy's. */
static _Alignas(PAGE) _Atomic uint64_t announced[PAGES];
static _Atomic unsigned long rounds;
static _Atomic int complaints;
static volatile sig_atomic_t is_over;

static void end(int signal) { (void)signal; is_over = 1; }

static volatile uint64_t *mark_of(unsigned page) { return pages + (size_t)page * PAGE / sizeof *pages; }

static void stay_on(int cpu)
{
    cpu_set_t own;
    CPU_ZERO(&own);
    CPU_SET(cpu, &own);
    if (sched_setaffinity(0, sizeof own, &own)) { perror("sched_setaffinity"); exit(2); }
}

static uint64_t new_mark(void)
{
    uint32_t low, high;
    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
    return ((uint64_t)high << 32 | low) * 0x9E3779B97F4A7C15ull;
}

static void *look(void *cpu)
{
    uint64_t known[PAGES] = { 0 };
    stay_on((int)(intptr_t)cpu);
    while (!is_over) {
        for (unsigned i = 0; i < PAGES; i++) {
            uint64_t seen = *mark_of(i);
            if (seen == known[i]) continue;
            uint64_t expected = atomic_load(&announced[i]);
            /* The next mark of this page is a round of the writer away. */
            if (seen != expected && atomic_fetch_add(&complaints, 1) < MOST_COMPLAINTS)
                printf("apart: WRONG page %u shows %llx, not %llx\n", i, (unsigned long long)seen, (unsigned long long)expected);
            known[i] = seen;
        }
        atomic_fetch_add(&rounds, 1);
    }
    return NULL;
}

int main(void)
{
    struct sigaction action = { .sa_handler = end };
    struct timespec interval = { .tv_nsec = WRITE_INTERVAL };
    pthread_t thread;
    setvbuf(stdout, NULL, _IOLBF, 0);
    sigaction(SIGTERM, &action, NULL);
    pages = mmap(NULL, (size_t)PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED) { perror("mmap"); return 2; }
    /* There from the start, and each by itself: no page fault and no large page later on. */
    if (madvise((void *)pages, (size_t)PAGES * PAGE, MADV_NOHUGEPAGE)) perror("madvise");
    for (unsigned i = 0; i < PAGES; i++) *mark_of(i) = 0;
    int cpus = (int)sysconf(_SC_NPROCESSORS_ONLN);
    for (int cpu = 1; cpu < cpus; cpu++)
        if (pthread_create(&thread, NULL, look, (void *)(intptr_t)cpu)) { perror("pthread_create"); return 2; }
    stay_on(0);
    for (unsigned i = 0; !is_over; i = (i + 1) % PAGES) {
        uint64_t mark = new_mark();
        atomic_store(&announced[i], mark);
        *mark_of(i) = mark;
        nanosleep(&interval, NULL);
    }
    printf("apart: ended after %lu rounds\n", atomic_load(&rounds));
    return complaints != 0;
}
