package dev.gatun.cuda;

import java.nio.charset.StandardCharsets;

/** Small kernels, written by hand so that no compiler is needed but the driver's own. */
final class TestKernels {
    private static final String PTX = """
            .version 7.0
            .target sm_75
            .address_size 64

            .extern .shared .align 16 .b8 dynamic[];

            // Does nothing.
            .visible .entry empty()
            {
                ret;
            }

            // y[i] += a * x[i] for i < n
            .visible .entry axpy(.param .u64 x, .param .u64 y, .param .f32 a, .param .u32 n)
            {
                .reg .pred %p1;
                .reg .b32 %r<6>;
                .reg .b64 %d<6>;
                .reg .f32 %f<5>;
                mov.u32 %r1, %ctaid.x;
                mov.u32 %r2, %ntid.x;
                mov.u32 %r3, %tid.x;
                mad.lo.u32 %r4, %r1, %r2, %r3;
                ld.param.u32 %r5, [n];
                setp.ge.u32 %p1, %r4, %r5;
                @%p1 bra END;
                ld.param.u64 %d1, [x];
                ld.param.u64 %d2, [y];
                ld.param.f32 %f1, [a];
                mul.wide.u32 %d3, %r4, 4;
                add.u64 %d4, %d1, %d3;
                add.u64 %d5, %d2, %d3;
                ld.global.f32 %f2, [%d4];
                ld.global.f32 %f3, [%d5];
                fma.rn.f32 %f4, %f1, %f2, %f3;
                st.global.f32 [%d5], %f4;
            END:
                ret;
            }

            // Keeps a thread busy for so many nanoseconds.
            .visible .entry spin(.param .u64 nanoseconds)
            {
                .reg .pred %p1;
                .reg .b64 %d<5>;
                ld.param.u64 %d1, [nanoseconds];
                mov.u64 %d2, %globaltimer;
            AGAIN:
                mov.u64 %d3, %globaltimer;
                sub.u64 %d4, %d3, %d2;
                setp.lt.u64 %p1, %d4, %d1;
                @%p1 bra AGAIN;
                ret;
            }

            // *size = bytes of dynamic shared memory, the last four of which are written and read on the way.
            .visible .entry shared_size(.param .u64 size)
            {
                .reg .b32 %r<5>;
                .reg .b64 %d1;
                mov.u32 %r1, %dynamic_smem_size;
                mov.u32 %r2, dynamic;
                add.u32 %r3, %r2, %r1;
                st.shared.u32 [%r3 + -4], %r1;
                ld.shared.u32 %r4, [%r3 + -4];
                ld.param.u64 %d1, [size];
                st.global.u32 [%d1], %r4;
                ret;
            }

            // *(pair.pointer) = pair.value, for a struct of 16 bytes
            .visible .entry store_pair(.param .align 8 .b8 pair[16])
            {
                .reg .b64 %d<3>;
                ld.param.u64 %d1, [pair];
                ld.param.u64 %d2, [pair + 8];
                st.global.u64 [%d1], %d2;
                ret;
            }

            // Writes where no memory is.
            .visible .entry fault()
            {
                .reg .b64 %d1;
                mov.u64 %d1, 64;
                st.global.u64 [%d1], %d1;
                ret;
            }
            """;

    private TestKernels() {}

    static CudaModule load(CudaDevice device) {
        return CudaModule.load(device, PTX.getBytes(StandardCharsets.US_ASCII));
    }
}
