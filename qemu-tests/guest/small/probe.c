/*
 * What the tests ask of the processor and of the disk controller from inside a guest.
 *
 *   probe cpuid LEAF [SUBLEAF]       prints eax ebx ecx edx
 *   probe instructions               runs each VMX and SVM instruction, and some that fault on every processor, and prints what became of it
 *   probe steps                      steps singly through NOP, IN, CPUID and NOP and prints where it came to a stop, in bytes from the start
 *   probe msr INDEX [VALUE]          reads or writes a model-specific register: the value, "written" or "fault"
 *   probe memory ADDRESS             writes 0 to a doubleword of physical memory and prints what is there afterwards
 *   probe nvme OPCODE LENGTH [CDW10 [CDW11 [CDW12 [CDW13]]]]
 *                                    sends an admin command with LENGTH bytes of data: prints the NVMe status and the result
 */
#define _GNU_SOURCE
#include <cpuid.h>
#include <fcntl.h>
#include <linux/nvme_ioctl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/io.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

static uint32_t number(int count, char **arguments, int index) { return index < count ? strtoul(arguments[index], NULL, 0) : 0; }

static int cpuid(uint32_t leaf, uint32_t subleaf)
{
    uint32_t a, b, c, d;
    __cpuid_count(leaf, subleaf, a, b, c, d);
    printf("%08x %08x %08x %08x\n", a, b, c, d);
    return 0;
}

static sigjmp_buf after_signal;
static void on_signal(int signal) { siglongjmp(after_signal, signal); }

#define INSTRUCTION(name, bytes) static void name(void) { uint64_t memory[2] = { 0, 0 }; __asm__ volatile(".byte " bytes :: "a"(memory), "c"(0), "d"(0) : "memory", "cc"); }
INSTRUCTION(vmcall, "0x0f,0x01,0xc1")
INSTRUCTION(vmlaunch, "0x0f,0x01,0xc2")
INSTRUCTION(vmresume, "0x0f,0x01,0xc3")
INSTRUCTION(vmxoff, "0x0f,0x01,0xc4")
INSTRUCTION(vmfunc, "0x0f,0x01,0xd4")
INSTRUCTION(vmptrld, "0x0f,0xc7,0x30")
INSTRUCTION(vmclear, "0x66,0x0f,0xc7,0x30")
INSTRUCTION(vmxon, "0xf3,0x0f,0xc7,0x30")
INSTRUCTION(vmread, "0x0f,0x78,0xc0")
INSTRUCTION(vmwrite, "0x0f,0x79,0xc0")
INSTRUCTION(invept, "0x66,0x0f,0x38,0x80,0x00")
INSTRUCTION(invvpid, "0x66,0x0f,0x38,0x81,0x00")
INSTRUCTION(vmrun, "0x0f,0x01,0xd8")
INSTRUCTION(vmmcall, "0x0f,0x01,0xd9")
INSTRUCTION(vmload, "0x0f,0x01,0xda")
INSTRUCTION(vmsave, "0x0f,0x01,0xdb")
INSTRUCTION(stgi, "0x0f,0x01,0xdc")
INSTRUCTION(clgi, "0x0f,0x01,0xdd")
INSTRUCTION(skinit, "0x0f,0x01,0xde")
INSTRUCTION(invlpga, "0x0f,0x01,0xdf")
INSTRUCTION(hlt, "0xf4")
INSTRUCTION(int2, "0xcd,0x02")
INSTRUCTION(noncanonical, "0x48,0xb8,0,0,0,0,0,0,0,0x80,0x48,0x8b,0x00")

#define ENTRY(name) { #name, name }
static const struct { const char *name; void (*run)(void); } instructions[] = {
    ENTRY(vmcall), ENTRY(vmlaunch), ENTRY(vmresume), ENTRY(vmxoff), ENTRY(vmfunc), ENTRY(vmptrld), ENTRY(vmclear), ENTRY(vmxon), ENTRY(vmread),
    ENTRY(vmwrite), ENTRY(invept), ENTRY(invvpid), ENTRY(vmrun), ENTRY(vmmcall), ENTRY(vmload), ENTRY(vmsave), ENTRY(stgi), ENTRY(clgi), ENTRY(skinit), ENTRY(invlpga),
    ENTRY(hlt), ENTRY(int2), ENTRY(noncanonical),
};

static int try_instructions(void)
{
    struct sigaction action = { .sa_handler = on_signal, .sa_flags = SA_NODEFER };
    sigaction(SIGILL, &action, NULL);
    sigaction(SIGSEGV, &action, NULL);
    sigaction(SIGBUS, &action, NULL);
    for (size_t i = 0; i < sizeof instructions / sizeof *instructions; i++) {
        int signal = sigsetjmp(after_signal, 1);
        if (signal == 0) instructions[i].run();
        printf("%s %s\n", instructions[i].name, signal == 0 ? "ran" : signal == SIGILL ? "#UD" : signal == SIGSEGV ? "#GP" : "other");
    }
    return 0;
}

extern const uint8_t steps_start[], steps_end[];
static long long stops[16];
static size_t stop_count;

static void on_step(int signal, siginfo_t *info, void *context)
{
    (void)signal; (void)info;
    const uint8_t *at = (const uint8_t *)((ucontext_t *)context)->uc_mcontext.gregs[REG_RIP];
    if (at > steps_start && at <= steps_end && stop_count < sizeof stops / sizeof *stops) stops[stop_count++] = at - steps_start;
}

static int steps(void)
{
    struct sigaction action = { .sa_sigaction = on_step, .sa_flags = SA_SIGINFO };
    sigaction(SIGTRAP, &action, NULL);
    if (iopl(3)) { perror("iopl"); return 1; }
    __asm__ volatile(
        "sub $128, %%rsp\n pushfq\n orq $0x100, (%%rsp)\n popfq\n"
        "steps_start: nop\n inl %%dx, %%eax\n cpuid\n nop\n steps_end:\n"
        "pushfq\n andq $~0x100, (%%rsp)\n popfq\n add $128, %%rsp\n"
        ".globl steps_start, steps_end" : : "a"(0), "c"(0), "d"(0xCF8) : "rbx", "memory", "cc");
    for (size_t i = 0; i < stop_count; i++) printf("%s%lld", i ? " " : "", stops[i]);
    puts("");
    return 0;
}

static int msr(int count, char **arguments)
{
    uint64_t value = count > 1 ? strtoull(arguments[1], NULL, 0) : 0;
    int file = open("/dev/cpu/0/msr", count > 1 ? O_WRONLY : O_RDONLY);
    if (file < 0) { perror("/dev/cpu/0/msr"); return 1; }
    uint32_t index = number(count, arguments, 0);
    ssize_t done = count > 1 ? pwrite(file, &value, 8, index) : pread(file, &value, 8, index);
    if (done != 8) puts("fault");
    else if (count > 1) puts("written");
    else printf("%016llx\n", (unsigned long long)value);
    return 0;
}

static int memory(uint64_t address)
{
    int file = open("/dev/mem", O_RDWR | O_SYNC);
    if (file < 0) { perror("/dev/mem"); return 1; }
    volatile uint32_t *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, address & ~4095ull);
    if (page == MAP_FAILED) { perror("mmap"); return 1; }
    page[(address & 4095) / 4] = 0;
    printf("%08x\n", page[(address & 4095) / 4]);
    return 0;
}

static int nvme(int count, char **arguments)
{
    static uint8_t data[1 << 20];
    struct nvme_admin_cmd command = {
        .opcode = number(count, arguments, 0), .data_len = number(count, arguments, 1), .addr = (uintptr_t)data,
        .cdw10 = number(count, arguments, 2), .cdw11 = number(count, arguments, 3), .cdw12 = number(count, arguments, 4),
        .cdw13 = number(count, arguments, 5), .timeout_ms = 60000,
    };
    int file = open("/dev/nvme0", O_RDONLY);
    if (file < 0) { perror("/dev/nvme0"); return 1; }
    if (command.data_len > sizeof data) return 2;
    int status = ioctl(file, NVME_IOCTL_ADMIN_CMD, &command);
    if (status < 0) { perror("ioctl"); return 1; }
    printf("status=%03x result=%08x\n", status & 0x7ff, command.result);
    return 0;
}

int main(int count, char **arguments)
{
    const char *what = count > 1 ? arguments[1] : "";
    if (!strcmp(what, "cpuid")) return cpuid(number(count, arguments, 2), number(count, arguments, 3));
    if (!strcmp(what, "instructions")) return try_instructions();
    if (!strcmp(what, "steps")) return steps();
    if (!strcmp(what, "msr")) return msr(count - 2, arguments + 2);
    if (!strcmp(what, "memory") && count > 2) return memory(strtoull(arguments[2], NULL, 0));
    if (!strcmp(what, "nvme")) return nvme(count - 2, arguments + 2);
    fprintf(stderr, "probe: cpuid, instructions, steps, msr, memory or nvme?\n");
    return 2;
}
