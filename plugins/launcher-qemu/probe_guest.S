# SPDX-License-Identifier: Apache-2.0
# The probe guest: the smallest kernel that does what every real one does first. QEMU's firmware finds it by its PVH
# note and enters at `start` in 32-bit mode, as it does with an uncompressed Linux; it turns on paging and long mode,
# takes one page fault, works for about twelve million instructions and leaves QEMU with exit code 67.
# The work matters: there are machines whose KVM passes firmware, long mode and the page fault, yet interprets about half
# a million instructions a second. There Linux never gets up; here the probe's time runs out.
# Built into probe_guest.cpp by
#   as --64 probe_guest.S -o probe.o && ld -m elf_x86_64 -N -Ttext=0x100000 -e start --build-id=none -s probe.o -o probe.elf
    .section .note.Xen, "a", @note
    .long 4, 4, 18                  # XEN_ELFNOTE_PHYS32_ENTRY
    .asciz "Xen"
    .long start

    .set level4, 0x200000
    .set level3, 0x201000
    .set level2, 0x202000
    .set stack_top, 0x204000
    .set idt, 0x205000
    .set unmapped, 0x600000         # until the page fault maps it
    .set rounds, 2000000

    .text
    .code32
    .globl start
start:
    xor %eax, %eax
    mov $level4, %edi
    mov $0x1800, %ecx
    cld
    rep stosl
    movl $(level3 + 3), level4
    movl $(level2 + 3), level3
    movl $0x000083, level2          # two pages of 2 MiB, so 0 to 4 MiB
    movl $0x200083, level2 + 8
    mov $level4, %eax
    mov %eax, %cr3
    mov %cr4, %eax
    or $0x20, %eax                  # PAE
    mov %eax, %cr4
    mov $0xc0000080, %ecx           # EFER: long mode
    rdmsr
    or $0x100, %eax
    wrmsr
    mov %cr0, %eax
    or $0x80000001, %eax            # paging, protection
    mov %eax, %cr0
    lgdt gdt_register
    ljmp $8, $long_mode

    .code64
long_mode:
    mov $16, %eax
    mov %eax, %ds
    mov %eax, %es
    mov %eax, %ss
    mov $stack_top, %esp
    mov $idt, %edi
    lea page_fault(%rip), %rax
    mov %ax, 14 * 16(%rdi)
    movw $8, 14 * 16 + 2(%rdi)
    movw $0x8e00, 14 * 16 + 4(%rdi)
    shr $16, %rax
    mov %ax, 14 * 16 + 6(%rdi)
    lidt idt_register
    mov $1, %eax
    cpuid
    mov $unmapped, %ebx
    movl $0, (%rbx)                 # faults once
    mov $rounds, %ecx
work:
    mov (%rbx), %eax
    inc %eax
    mov %eax, (%rbx)
    call nothing
    dec %ecx
    jnz work
    cmpl $rounds, (%rbx)
    jne .                           # memory that forgets: never succeeds
    mov $0x21, %al
    out %al, $0xf4                  # isa-debug-exit: (0x21 << 1) | 1 = 67
    jmp .
nothing:
    ret
page_fault:
    movl $0x600083, level2 + 3 * 8
    add $8, %rsp
    iretq

    .balign 8
gdt:
    .quad 0, 0x00af9b000000ffff, 0x00cf93000000ffff
gdt_register:
    .word 23
    .long gdt
idt_register:
    .word 15 * 16 - 1
    .quad idt
