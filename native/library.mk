# The CPU library: C11, one object per source; the sources named *_avx2.c, *_avx512.c and *_avx512vnni.c are
# compiled for those instruction sets and reached only where the processor has them.

CPU_LIBRARY := $(NATIVES)/libgatun_cpu.so
CPU_SOURCES := $(wildcard native/src/*.c)
CPU_OBJECTS := $(CPU_SOURCES:native/src/%.c=target/native/%.o)
CC := gcc
CPU_CFLAGS := -std=c11 -O3 -fPIC -fvisibility=hidden -ffp-contract=off -pthread \
  -Wall -Wextra -Wshadow -Wconversion -Wno-sign-conversion -Werror -Inative/include

target/native/%_avx2.o: LEVEL_CFLAGS := -mavx2 -mfma -mf16c
target/native/%_avx512.o: LEVEL_CFLAGS := -mavx512f -mavx512bw -mavx512dq -mavx512vl -mavx2 -mfma -mf16c
target/native/%_avx512vnni.o: LEVEL_CFLAGS := -mavx512vnni -mavx512f -mavx512bw -mavx512dq -mavx512vl -mavx2 -mfma -mf16c

target/native/%.o: native/src/%.c native/library.mk
	@mkdir -p $(@D)
	@echo "  CC   $<" >&2
	@$(CC) $(CPU_CFLAGS) $(LEVEL_CFLAGS) -MMD -MP -c $< -o $@

$(CPU_LIBRARY): $(CPU_OBJECTS)
	@mkdir -p $(@D)
	@echo "  LINK $(@F)" >&2
	@$(CC) -shared -pthread -Wl,-z,now,-z,relro,--no-undefined -o $@ $(CPU_OBJECTS) -lm

-include $(CPU_OBJECTS:.o=.d)
