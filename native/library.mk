# The CPU library: C11, one object per source; the sources named *_avx2.c, *_avx512.c, *_avx512vnni.c and *_avx512fp16.c
# are compiled for those instruction sets and reached only where the processor has them. A compiler that does not know
# AVX512-FP16 leaves that level out. `make native EMULATE_HALVES=1` makes another library, in target/native-emulated: there
# any processor with AVX-512 VNNI has that level, slowly, to be tested (with -Dgatun.natives=target/native-emulated).

CC := gcc
EMULATE_HALVES := 0
CPU_BUILD := target/native$(if $(filter 1,$(EMULATE_HALVES)),-emulated)
CPU_LIBRARY := $(if $(filter 1,$(EMULATE_HALVES)),$(CPU_BUILD),$(NATIVES))/libgatun_cpu.so
FP16_CFLAGS := $(if $(filter 1,$(EMULATE_HALVES)),,-mavx512fp16)
WITH_FP16 := $(shell $(CC) $(FP16_CFLAGS) -x c -fsyntax-only /dev/null 2>/dev/null && echo 1 || echo 0)
CPU_SOURCES := $(filter-out $(if $(filter 0,$(WITH_FP16)),%_avx512fp16.c),$(wildcard native/src/*.c))
CPU_OBJECTS := $(CPU_SOURCES:native/src/%.c=$(CPU_BUILD)/%.o)
CPU_CFLAGS := -std=c11 -O3 -fPIC -fvisibility=hidden -ffp-contract=off -pthread \
  -Wall -Wextra -Wshadow -Wconversion -Wno-sign-conversion -Werror -Inative/include \
  -DWITH_FP16=$(WITH_FP16) -DEMULATE_HALVES=$(EMULATE_HALVES)

$(CPU_BUILD)/%_avx2.o: LEVEL_CFLAGS := -mavx2 -mfma -mf16c
$(CPU_BUILD)/%_avx512.o: LEVEL_CFLAGS := -mavx512f -mavx512bw -mavx512dq -mavx512vl -mavx2 -mfma -mf16c
$(CPU_BUILD)/%_avx512vnni.o: LEVEL_CFLAGS := -mavx512vnni -mavx512f -mavx512bw -mavx512dq -mavx512vl -mavx2 -mfma -mf16c
$(CPU_BUILD)/%_avx512fp16.o: LEVEL_CFLAGS := $(FP16_CFLAGS) -mavx512vnni -mavx512f -mavx512bw -mavx512dq -mavx512vl \
  -mavx2 -mfma -mf16c

$(CPU_BUILD)/%.o: native/src/%.c native/library.mk
	@mkdir -p $(@D)
	@echo "  CC   $<" >&2
	@$(CC) $(CPU_CFLAGS) $(LEVEL_CFLAGS) -MMD -MP -c $< -o $@

$(CPU_LIBRARY): $(CPU_OBJECTS)
	@mkdir -p $(@D)
	@echo "  LINK $(@F)" >&2
	@$(CC) -shared -pthread -Wl,-z,now,-z,relro,--no-undefined -o $@ $(CPU_OBJECTS) -lm

-include $(CPU_OBJECTS:.o=.d)
