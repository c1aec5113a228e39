// Hides every instruction set past AVX2 from a program: preload it, and CPUID no longer tells of AVX-512, AVX-VNNI,
// AVX10 and AMX. For runtimes that have no switch of their own. Linux on x86-64, where the processor can fault on CPUID.
//
//   cc -shared -fPIC -O2 -o avx2_only.so avx2_only.c
#define _GNU_SOURCE
#include <asm/prctl.h>
#include <cpuid.h>
#include <signal.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

static const unsigned LEAF_FEATURES = 7, LEAF_AMX_TILE = 0x1d, LEAF_AMX_TMUL = 0x1e, LEAF_AVX10 = 0x24;
// Bits of leaf 7, subleaf 0: the AVX-512 and AMX families.
static const unsigned EBX_0 = 1u << 16 | 1u << 17 | 1u << 21 | 1u << 26 | 1u << 27 | 1u << 28 | 1u << 30 | 1u << 31;
static const unsigned ECX_0 = 1u << 1 | 1u << 6 | 1u << 11 | 1u << 12 | 1u << 14;
static const unsigned EDX_0 = 1u << 2 | 1u << 3 | 1u << 8 | 1u << 22 | 1u << 23 | 1u << 24 | 1u << 25;
// Subleaf 1: AVX-VNNI, AVX-512 BF16, AMX-FP16, AVX-IFMA; AVX-VNNI-INT8 and -INT16, AVX-NE-CONVERT, AMX-COMPLEX, AVX10.
static const unsigned EAX_1 = 1u << 4 | 1u << 5 | 1u << 21 | 1u << 23;
static const unsigned EDX_1 = 1u << 4 | 1u << 5 | 1u << 8 | 1u << 10 | 1u << 19;

static int allow_cpuid(unsigned long allowed) { return (int)syscall(SYS_arch_prctl, ARCH_SET_CPUID, allowed); }

static void answer(int number, siginfo_t *info, void *context) {
    (void)info;
    greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;
    const unsigned char *code = (const unsigned char *)registers[REG_RIP];
    if (code[0] != 0x0f || code[1] != 0xa2) {  // not CPUID: a true fault, taken again without this handler
        signal(number, SIG_DFL);
        return;
    }
    unsigned leaf = (unsigned)registers[REG_RAX], subleaf = (unsigned)registers[REG_RCX], a, b, c, d;
    allow_cpuid(1);
    __cpuid_count(leaf, subleaf, a, b, c, d);
    allow_cpuid(0);
    if (leaf == LEAF_FEATURES && subleaf == 0) {
        b &= ~EBX_0, c &= ~ECX_0, d &= ~EDX_0;
    } else if (leaf == LEAF_FEATURES && subleaf == 1) {
        a &= ~EAX_1, d &= ~EDX_1;
    } else if (leaf == LEAF_AMX_TILE || leaf == LEAF_AMX_TMUL || leaf == LEAF_AVX10) {
        a = b = c = d = 0;
    }
    registers[REG_RAX] = a, registers[REG_RBX] = b, registers[REG_RCX] = c, registers[REG_RDX] = d;
    registers[REG_RIP] += 2;
}

__attribute__((constructor)) static void hide(void) {
    struct sigaction action = {.sa_sigaction = answer, .sa_flags = SA_SIGINFO | SA_NODEFER};
    if (sigaction(SIGSEGV, &action, NULL) != 0 || allow_cpuid(0) != 0) {
        perror("avx2_only: this processor or kernel cannot fault on CPUID");
        _exit(3);
    }
}
