/*
 * Keeps all processors busy and looks whether they compute right: one thread on each processor computes, takes and gives back memory, interrupts the
 * others, sleeps, and passes a token on.
 *
 *   load SECONDS   for so many seconds, or for ever (0)
 *
 * "load: N rounds" is printed every second and at the end, "load: WRONG ..." (on both outputs) for each thing that is not as it must be. The status is 1
 * if there was one, or if the threads could not be made.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <linux/futex.h>
#include <linux/membarrier.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

enum { PAGE = 4096, WORDS = PAGE / 8, MOST_CPUS = 256, MOST_COMPLAINTS = 20 };
enum { STEPS = 500000, SUMMANDS = 100000, NICENESS = 10, VECTORS = 16, VECTOR_BYTES = 16, PAGES = 32, REMAPS = 16, LOOKS = 2000, BARRIERS = 8, TICKS = 3 };
static const long long SECOND = 1000000000, MILLISECOND = 1000000;
/* Far more than a busy emulator takes for a millisecond, far less than for ever. */
static const long long LATEST = 30 * SECOND, LONGEST_WAIT = 60 * SECOND;
/* Knuth's MMIX generator. */
static const uint64_t FACTOR = 6364136223846793005u, SUMMAND = 1442695040888963407u;

static int cpus[MOST_CPUS], cpu_count, window_file;
static volatile uint64_t *window;
static pthread_mutex_t window_lock = PTHREAD_MUTEX_INITIALIZER;
static _Atomic unsigned long window_state;      /* odd while the window is moved; else it shows page (state / 2) % 2 */
static _Atomic uint32_t turn;                   /* how often the token was passed on */
static _Atomic long last_round = -1;
static _Atomic int complaints;
static _Atomic uint64_t latest_tsc;
static _Atomic long long latest_time;
static uint64_t passed;                         /* the same as turn; who has the token counts */
static long long end_time;

static void wrong(const char *format, ...)
{
    char line[256];
    va_list arguments;
    if (atomic_fetch_add(&complaints, 1) >= MOST_COMPLAINTS) return;
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    printf("load: WRONG %s\n", line);
    fprintf(stderr, "load: WRONG %s\n", line);
}

static long long now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return time.tv_sec * SECOND + time.tv_nsec;
}

static uint64_t mix(uint64_t value) { value *= 0x9E3779B97F4A7C15ull; return value ^ value >> 29; }

/* So many steps of the generator one after the other, and at once. */
static void compute(int cpu, uint64_t seed)
{
    uint64_t value = seed, factor = FACTOR, summand = SUMMAND, all_factor = 1, all_summand = 0;
    for (int i = 0; i < STEPS; i++) {
        value = value * FACTOR + SUMMAND;
        __asm__ volatile("" : "+r"(value));
    }
    for (int left = STEPS; left; left >>= 1) {
        if (left & 1) {
            all_summand = all_summand * factor + summand;
            all_factor *= factor;
        }
        summand *= factor + 1;
        factor *= factor;
    }
    if (value != seed * all_factor + all_summand) wrong("cpu %d computes %llx for %llx", cpu, (unsigned long long)value, (unsigned long long)seed);
    volatile double sum = 0;
    for (int i = 1; i <= SUMMANDS; i++) sum += i;
    if (sum != SUMMANDS * (SUMMANDS + 1.0) / 2) wrong("cpu %d adds up %f", cpu, sum);
}

/* CPUID ends in Hv, whose own code uses these registers. */
static void keep_vectors(int cpu, uint64_t seed)
{
    static const uint64_t marks[] = { 0x0123456789ABCDEFull, 0xFEDCBA9876543210ull, 0x5555AAAA3333CCCCull, 0x0F0FF0F01E1EE1E1ull };
    uint64_t in[VECTORS * VECTOR_BYTES / 8], out[VECTORS * VECTOR_BYTES / 8], general[4] = { seed, ~seed, mix(seed), ~mix(seed) };
    for (size_t i = 0; i < sizeof in / sizeof *in; i++) in[i] = mix(seed + i) ^ marks[i % 4];
    register uint64_t r12 __asm__("r12") = general[0], r13 __asm__("r13") = general[1], r14 __asm__("r14") = general[2], r15 __asm__("r15") = general[3];
    uint32_t a = 0, c = 0;
#define LOAD(n) "movdqu " #n "*16(%[in]), %%xmm" #n "\n"
#define STORE(n) "movdqu %%xmm" #n ", " #n "*16(%[out])\n"
    __asm__ volatile(
        LOAD(0) LOAD(1) LOAD(2) LOAD(3) LOAD(4) LOAD(5) LOAD(6) LOAD(7) LOAD(8) LOAD(9) LOAD(10) LOAD(11) LOAD(12) LOAD(13) LOAD(14) LOAD(15)
        "cpuid\n"
        STORE(0) STORE(1) STORE(2) STORE(3) STORE(4) STORE(5) STORE(6) STORE(7) STORE(8) STORE(9) STORE(10) STORE(11) STORE(12) STORE(13) STORE(14) STORE(15)
        : "+a"(a), "+c"(c), "+r"(r12), "+r"(r13), "+r"(r14), "+r"(r15) : [in] "S"(in), [out] "D"(out)
        : "rbx", "rdx", "memory", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15");
#undef LOAD
#undef STORE
    if (memcmp(in, out, sizeof in)) wrong("cpu %d loses vector registers", cpu);
    if (r12 != general[0] || r13 != general[1] || r14 != general[2] || r15 != general[3]) wrong("cpu %d loses general registers", cpu);
}

/* The clocks of all processors: none may be behind what another one has shown before. */
static void compare_clocks(int cpu)
{
    uint64_t before = atomic_load(&latest_tsc);
    uint32_t low, high;
    __asm__ volatile("lfence\n rdtsc\n lfence" : "=a"(low), "=d"(high) : : "memory");
    uint64_t tsc = (uint64_t)high << 32 | low;
    if (tsc < before) wrong("cpu %d: the TSC is %llu behind", cpu, (unsigned long long)(before - tsc));
    while (before < tsc && !atomic_compare_exchange_weak(&latest_tsc, &before, tsc)) { }
    long long earlier = atomic_load(&latest_time), time = now();
    if (time < earlier) wrong("cpu %d: the time is %lld ns behind", cpu, earlier - time);
    while (earlier < time && !atomic_compare_exchange_weak(&latest_time, &earlier, time)) { }
}

static void use_memory(int cpu, uint64_t seed)
{
    uint64_t *memory = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) { wrong("cpu %d gets no memory: %s", cpu, strerror(errno)); return; }
    for (size_t page = 0; page < PAGES; page++)
        for (size_t word = 0; word < WORDS; word += WORDS / 8) {
            if (memory[page * WORDS + word]) wrong("cpu %d gets memory that is not empty", cpu);
            memory[page * WORDS + word] = mix(seed ^ (page * WORDS + word));
        }
    /* What cannot be written to any more on one processor cannot be on another one: all are told. */
    if (mprotect(memory, PAGES * PAGE, PROT_READ)) wrong("cpu %d: mprotect: %s", cpu, strerror(errno));
    for (size_t page = 0; page < PAGES; page++)
        for (size_t word = 0; word < WORDS; word += WORDS / 8)
            if (memory[page * WORDS + word] != mix(seed ^ (page * WORDS + word))) wrong("cpu %d reads something else than was written", cpu);
    munmap(memory, PAGES * PAGE);
}

static uint64_t mark(unsigned long state) { return mix(state / 2 % 2 + 1); }

/* The window shows one page and then another one; no processor may go on using the old one. */
static void move_window(int cpu)
{
    /* The owner of the round before may not be done yet. */
    pthread_mutex_lock(&window_lock);
    for (int i = 0; i < REMAPS; i++) {
        unsigned long state = atomic_load(&window_state);
        atomic_store(&window_state, state + 1);
        if (mmap((void *)window, PAGE, PROT_READ, MAP_SHARED | MAP_FIXED, window_file, (state + 2) / 2 % 2 * PAGE) == MAP_FAILED)
            wrong("cpu %d: mmap: %s", cpu, strerror(errno));
        atomic_store(&window_state, state + 2);
        if (*window != mark(state + 2)) wrong("cpu %d sees the old page", cpu);
    }
    pthread_mutex_unlock(&window_lock);
}

static void look_through_window(int cpu)
{
    for (int i = 0; i < LOOKS; i++) {
        unsigned long before = atomic_load(&window_state);
        uint64_t value = *window;
        atomic_thread_fence(memory_order_seq_cst);
        if (before % 2 == 0 && atomic_load(&window_state) == before && value != mark(before)) wrong("cpu %d sees an old page", cpu);
    }
}

static void interrupt_others(int cpu)
{
    for (int i = 0; i < BARRIERS; i++)
        if (syscall(SYS_membarrier, MEMBARRIER_CMD_PRIVATE_EXPEDITED, 0, 0)) wrong("cpu %d: membarrier: %s", cpu, strerror(errno));
}

static void check_duration(int cpu, const char *what, long long duration, long long least)
{
    if (duration < least || duration > LATEST) wrong("cpu %d: %s takes %lld ns", cpu, what, duration);
}

static void use_timers(int cpu, int timer)
{
    struct timespec pause = { .tv_nsec = MILLISECOND };
    long long start = now();
    while (nanosleep(&pause, &pause)) { }
    check_duration(cpu, "nanosleep", now() - start, MILLISECOND);
    struct itimerspec times = { .it_interval = { .tv_nsec = MILLISECOND }, .it_value = { .tv_nsec = MILLISECOND } };
    uint64_t ticks = 0, count;
    start = now();
    if (timerfd_settime(timer, 0, &times, NULL)) wrong("cpu %d: timerfd: %s", cpu, strerror(errno));
    while (ticks < TICKS) {
        if (read(timer, &count, sizeof count) != sizeof count) { wrong("cpu %d: timerfd: %s", cpu, strerror(errno)); break; }
        ticks += count;
    }
    check_duration(cpu, "timerfd", now() - start, (long long)ticks * MILLISECOND);
}

/* Waits for the token and passes it on: a whole turn of it is a round. */
static void pass_token(int index, long round)
{
    uint32_t mine = (uint32_t)round * cpu_count + index, seen;
    for (long long start = now(), limit = LONGEST_WAIT; (seen = atomic_load(&turn)) != mine;) {
        struct timespec wait = { .tv_sec = 1 };
        syscall(SYS_futex, &turn, FUTEX_WAIT_PRIVATE, seen, &wait, NULL, 0);
        if (now() - start > limit) {
            wrong("cpu %d has waited %lld s for cpu %d", cpus[index], limit / SECOND, cpus[seen % cpu_count]);
            limit += LONGEST_WAIT;
        }
    }
    if ((uint32_t)passed++ != mine) wrong("cpu %d: the token has been passed on %llu times, not %u", cpus[index], (unsigned long long)passed - 1, mine);
    atomic_store(&turn, mine + 1);
    syscall(SYS_futex, &turn, FUTEX_WAKE_PRIVATE, cpu_count, NULL, NULL, 0);
}

static void *run(void *argument)
{
    int index = (int)(intptr_t)argument, cpu = cpus[index], timer = timerfd_create(CLOCK_MONOTONIC, 0);
    cpu_set_t own;
    CPU_ZERO(&own);
    CPU_SET(cpu, &own);
    if (sched_setaffinity(0, sizeof own, &own)) wrong("cpu %d cannot be used: %s", cpu, strerror(errno));
    long long printed = now();
    for (long round = 0;; round++) {
        uint64_t seed = mix((uint64_t)round * MOST_CPUS + index + 1);
        if (index == 0 && end_time && now() >= end_time) atomic_store(&last_round, round);
        if (sched_getcpu() != cpu) wrong("what belongs on cpu %d is on cpu %d", cpu, sched_getcpu());
        compute(cpu, seed);
        keep_vectors(cpu, seed);
        compare_clocks(cpu);
        use_memory(cpu, seed);
        if (round % cpu_count == index) move_window(cpu);
        else look_through_window(cpu);
        interrupt_others(cpu);
        compare_clocks(cpu);
        use_timers(cpu, timer);
        pass_token(index, round);
        if (index == 0 && (now() - printed >= SECOND || atomic_load(&last_round) == round)) {
            printf("load: %ld rounds\n", round + 1);
            printed = now();
        }
        if (atomic_load(&last_round) == round) return NULL;
    }
}

int main(int count, char **arguments)
{
    pthread_t threads[MOST_CPUS];
    cpu_set_t all;
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (count != 2) { fputs("load SECONDS\n", stderr); return 2; }
    if (atol(arguments[1]) > 0) end_time = now() + atol(arguments[1]) * SECOND;
    /* Whoever looks after the machine comes first. */
    setpriority(PRIO_PROCESS, 0, NICENESS);
    if (sched_getaffinity(0, sizeof all, &all)) { perror("sched_getaffinity"); return 1; }
    for (int cpu = 0; cpu < CPU_SETSIZE && cpu_count < MOST_CPUS; cpu++)
        if (CPU_ISSET(cpu, &all)) cpus[cpu_count++] = cpu;
    window_file = memfd_create("window", 0);
    if (window_file < 0 || ftruncate(window_file, 2 * PAGE)) { perror("window"); return 1; }
    for (unsigned long page = 0; page < 2; page++) {
        uint64_t value = mark(page * 2);
        if (pwrite(window_file, &value, sizeof value, page * PAGE) != sizeof value) { perror("window"); return 1; }
    }
    window = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, window_file, 0);
    if (window == MAP_FAILED) { perror("window"); return 1; }
    if (syscall(SYS_membarrier, MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED, 0, 0)) { perror("membarrier"); return 1; }
    for (int i = 0; i < cpu_count; i++)
        if ((errno = pthread_create(&threads[i], NULL, run, (void *)(intptr_t)i))) { perror("pthread_create"); return 1; }
    for (int i = 0; i < cpu_count; i++) pthread_join(threads[i], NULL);
    return complaints != 0;
}
