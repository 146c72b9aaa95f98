/*
 * Preloaded into Bochs: repairs two of its defects.
 *
 * 1. 128-bit multiplication and division. The helpers write a 128-bit result through a struct of two 64-bit halves that
 *    aliases it. Built with a GCC that takes advantage of the strict aliasing rules (Bochs issue 668; Debian's 3.0 and
 *    3.1 are), the result's halves are garbage, and a guest kernel dies of a divide error. Each helper is tried at
 *    start-up on some random operands; only one that answers wrongly is overwritten by a jump to the version here.
 *
 * 2. VM exits between an exception and its handler, with several processors. An exception ends in longjmp; with one
 *    processor cpu_loop() then commits RIP (prev_rip = RIP), the loop for several processors in main.cc does not. If the
 *    VMX-preemption timer has run out then, or an NMI has come, the VM exit saves prev_rip, the instruction that faulted,
 *    as the guest's RIP, while the exception has been delivered otherwise: the guest goes on there in ring 0.
 *    longjmp commits RIP here. Where the two members are is read out of HandleExtInterrupt(), which commits after a call
 *    of interrupt().
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

typedef unsigned __int128 u128;
typedef __int128 s128;

static void multiply(u128 *product, uint64_t a, uint64_t b) { u128 r = (u128)a * b; memcpy(product, &r, 16); }
static void multiply_signed(s128 *product, int64_t a, int64_t b) { s128 r = (s128)a * b; memcpy(product, &r, 16); }

static void divide(u128 *quotient, uint64_t *remainder, const u128 *dividend, uint64_t divisor)
{
    u128 n, q;
    memcpy(&n, dividend, 16);
    q = n / divisor;
    *remainder = (uint64_t)(n % divisor);
    memcpy(quotient, &q, 16);
}

static void divide_signed(s128 *quotient, int64_t *remainder, const s128 *dividend, int64_t divisor)
{
    /* On magnitudes, so that the most negative values need no special case. */
    u128 n, q;
    memcpy(&n, dividend, 16);
    int negative = (s128)n < 0, opposite = negative != (divisor < 0);
    uint64_t d = divisor < 0 ? -(uint64_t)divisor : (uint64_t)divisor, r;
    if (negative) n = -n;
    q = n / d;
    r = (uint64_t)(n % d);
    if (opposite) q = -q;
    memcpy(quotient, &q, 16);
    *remainder = (int64_t)(negative ? -r : r);
}

typedef void (*multiplier)(u128 *, uint64_t, uint64_t);
typedef void (*divider)(u128 *, uint64_t *, const u128 *, uint64_t);

enum { ROUNDS = 1000 };

static uint64_t next(uint64_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 7;
    return *state ^= *state << 17;
}

static int multiplies_like(multiplier f, multiplier g)
{
    uint64_t seed = 1;
    for (int i = 0; i < ROUNDS; i++) {
        uint64_t a = next(&seed), b = next(&seed);
        u128 x = 0, y = 0;
        f(&x, a, b);
        g(&y, a, b);
        if (x != y) return 0;
    }
    return 1;
}

static int divides_like(divider f, divider g)
{
    uint64_t seed = 1;
    for (int i = 0; i < ROUNDS; i++) {
        /* The top half is less than a quarter of the divisor's size, so that the quotient fits, signed or not. */
        uint64_t divisor = next(&seed) | 1, top = (divisor ^ (uint64_t)((int64_t)divisor >> 63)) >> 2, rx = 0, ry = 0;
        u128 n = (u128)top << 64 | next(&seed), x = 0, y = 0;
        if (i & 1) n = -n;
        if (g == (divider)divide) { n &= ~(u128)0 >> 4; divisor |= 1ull << 63; }
        u128 m = n;
        f(&x, &rx, &n, divisor);
        g(&y, &ry, &m, divisor);
        if (x != y || rx != ry) return 0;
    }
    return 1;
}

static void redirect(const char *name, void *target)
{
    /* mov rax, target; jmp rax */
    uint8_t code[12] = { 0x48, 0xb8, [10] = 0xff, [11] = 0xe0 };
    uint8_t *function = dlsym(RTLD_DEFAULT, name);
    long page = sysconf(_SC_PAGESIZE);
    void *start = (void *)((uintptr_t)function & -page);
    memcpy(code + 2, &target, 8);
    if (mprotect(start, 2 * page, PROT_READ | PROT_WRITE | PROT_EXEC) != 0) { perror("bochs-repair"); return; }
    memcpy(function, code, sizeof code);
    mprotect(start, 2 * page, PROT_READ | PROT_EXEC);
    fprintf(stderr, "bochs-repair: replaced %s\n", name);
}

static void check_multiply(const char *name, void *ours)
{
    void *theirs = dlsym(RTLD_DEFAULT, name);
    if (theirs && !multiplies_like((multiplier)theirs, (multiplier)ours)) redirect(name, ours);
}

static void check_divide(const char *name, void *ours)
{
    void *theirs = dlsym(RTLD_DEFAULT, name);
    if (theirs && !divides_like((divider)theirs, (divider)ours)) redirect(name, ours);
}

enum { FUNCTION_BYTES = 512, CALL = 0xe8, CALL_BYTES = 5, REX_W = 0x48, LOAD = 0x8b, STORE = 0x89, DISPLACEMENT_32 = 0x80 };

static int32_t rip_offset, committed_rip_offset;
static uint8_t ***processors;
static unsigned *processor_count;

static int32_t displacement(const uint8_t *at)
{
    int32_t value;
    memcpy(&value, at, sizeof value);
    return value;
}

/* call interrupt; mov rax, [base + RIP]; mov [base + prev_rip], rax */
static int find_members(const uint8_t *handler, const uint8_t *interrupt)
{
    for (int i = 0; i < FUNCTION_BYTES; i++) {
        const uint8_t *after = handler + i + CALL_BYTES;
        if (handler[i] != CALL || after + displacement(handler + i + 1) != interrupt) continue;
        if (after[0] != REX_W || after[1] != LOAD || (after[2] & ~7) != DISPLACEMENT_32) continue;
        if (after[7] != REX_W || after[8] != STORE || after[9] != after[2]) continue;
        rip_offset = displacement(after + 3);
        committed_rip_offset = displacement(after + 10);
        return 1;
    }
    return 0;
}

static void find_processors(void)
{
    const uint8_t *handler = dlsym(RTLD_DEFAULT, "_ZN8BX_CPU_C18HandleExtInterruptEv");
    const uint8_t *interrupt = dlsym(RTLD_DEFAULT, "_ZN8BX_CPU_C9interruptEhjbt");
    processor_count = dlsym(RTLD_DEFAULT, "bx_cpu_count");
    if (handler && interrupt && processor_count && find_members(handler, interrupt)) processors = dlsym(RTLD_DEFAULT, "bx_cpu_array");
    if (!processors) fprintf(stderr, "bochs-repair: this Bochs has another processor loop; nothing is repaired there\n");
}

/* Those that are not in the middle of an instruction have committed already. */
static void commit_all(void)
{
    if (!processors || !*processors) return;
    for (unsigned i = 0; i < *processor_count; i++) {
        uint8_t *processor = (*processors)[i];
        if (processor) memcpy(processor + committed_rip_offset, processor + rip_offset, sizeof(uint64_t));
    }
}

typedef void (*jumper)(jmp_buf, int) __attribute__((noreturn));

static jumper find_jumper(const char *name, jumper *found)
{
    if (!*found) *found = (jumper)dlsym(RTLD_NEXT, name);
    return *found;
}

/* What longjmp is called where the compiler fortifies it. */
void __longjmp_chk(jmp_buf place, int value)
{
    static jumper next;
    commit_all();
    find_jumper("__longjmp_chk", &next)(place, value);
}

void longjmp(jmp_buf place, int value)
{
    static jumper next;
    commit_all();
    find_jumper("longjmp", &next)(place, value);
}

__attribute__((constructor)) static void repair(void)
{
    find_processors();
    /* Multiplication first: Bochs' division may call it. */
    check_multiply("_Z8long_mulP7Bit128umm", multiply);
    check_multiply("_Z9long_imulP7Bit128sll", multiply_signed);
    check_divide("_Z8long_divP7Bit128uPmPKS_m", divide);
    check_divide("_Z9long_idivP7Bit128sPlPKS_l", divide_signed);
    check_divide("_Z9long_idivP7Bit128sPlS0_l", divide_signed);
}
