/* The list of `inspector plc symbols` in a PLC program: addresses and bits by name, and blocks of words read with it. */
#ifndef PLC_SYMBOLS_H
#define PLC_SYMBOLS_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SYMBOLS = 512, NAME = 64, BLOCK = 64 };

typedef struct {
    char name[NAME], table[16];
    int address, bit; /* bit -1: a whole word */
} Symbol;

typedef struct {
    const char *prefix;
    int first, count;
    bool input;
    uint16_t words[BLOCK];
} Block;

static Symbol symbols[SYMBOLS];
static int known;
static char list_role[16];
static bool swap_bytes;

static void die(const char *what, const char *which) {
    fprintf(stderr, "plc: %s %s\n", what, which);
    exit(1);
}

/* name,role,table,address,bit,type,meaning: the first five columns hold no comma and no quote */
static void load(const char *path) {
    FILE *file = fopen(path, "r");
    char line[1024];
    if (!file || !fgets(line, sizeof line, file)) die("cannot read", path);
    if (strncmp(line, "name,role,table,address,bit,", 28)) die("no symbol list:", path);
    while (fgets(line, sizeof line, file) && known < SYMBOLS) {
        Symbol *one = &symbols[known];
        char role[16], bit[8] = "";
        if (sscanf(line, "%63[^,],%15[^,],%15[^,],%d,%7[0-9]", one->name, role, one->table, &one->address, bit) < 4)
            die("cannot read the line", line);
        if (known && strcmp(role, list_role)) die("two roles in one list:", line);
        strcpy(list_role, role);
        one->bit = *bit ? atoi(bit) : -1;
        known++;
    }
    fclose(file);
}

static const Symbol *symbol(const Block *block, const char *name) {
    char full[NAME];
    snprintf(full, sizeof full, "%s.%s", block->prefix, name);
    for (int i = 0; i < known; i++)
        if (!strcmp(symbols[i].name, full)) return &symbols[i];
    die("the list has no", full);
    return NULL;
}

static void measure(Block *block) {
    size_t length = strlen(block->prefix);
    int last = -1;
    block->first = 1 << 16;
    for (int i = 0; i < known; i++) {
        if (strncmp(symbols[i].name, block->prefix, length) || symbols[i].name[length] != '.') continue;
        if (symbols[i].address < block->first) block->first = symbols[i].address;
        if (symbols[i].address > last) last = symbols[i].address;
        block->input = !strcmp(symbols[i].table, "input");
    }
    block->count = last - block->first + 1;
    if (last < 0 || block->count > BLOCK) die("no block", block->prefix);
}

static uint16_t turned(uint16_t word) { return swap_bytes ? (uint16_t)(word << 8 | word >> 8) : word; }

static uint16_t word_of(const Block *block, const char *name) {
    return turned(block->words[symbol(block, name)->address - block->first]);
}

static bool bit_of(const Block *block, const char *name) {
    const Symbol *one = symbol(block, name);
    return turned(block->words[one->address - block->first]) >> one->bit & 1;
}

static uint32_t number_of(const Block *block, const char *name) {
    char part[NAME];
    snprintf(part, sizeof part, "%s_high", name);
    uint32_t high = word_of(block, part);
    snprintf(part, sizeof part, "%s_low", name);
    return high << 16 | word_of(block, part);
}

static void put_word(Block *block, const char *name, uint16_t value) {
    block->words[symbol(block, name)->address - block->first] = turned(value);
}

static void put_bit(Block *block, const char *name, bool on) {
    const Symbol *one = symbol(block, name);
    uint16_t word = turned(block->words[one->address - block->first]);
    word = (uint16_t)(on ? word | 1u << one->bit : word & ~(1u << one->bit));
    block->words[one->address - block->first] = turned(word);
}

static void put_number(Block *block, const char *name, uint32_t value) {
    char part[NAME];
    snprintf(part, sizeof part, "%s_high", name);
    put_word(block, part, (uint16_t)(value >> 16));
    snprintf(part, sizeof part, "%s_low", name);
    put_word(block, part, (uint16_t)value);
}

#endif
