package dev.gatun.cpu;

import java.lang.foreign.Arena;
import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Random;
import java.util.stream.IntStream;

/** The experts of a random layer, with their weights; and routings to them. */
record SampleExperts(CpuExperts experts, List<SampleMatrix> gates, List<SampleMatrix> ups, List<SampleMatrix> downs) {
    /** Which experts a batch goes to. */
    @SuppressWarnings("ArrayRecordComponent") // never compared
    record Routing(int topK, int[] ids, float[] weights) {
        static Routing of(Random random, int tokens, int experts) {
            int topK = Cases.between(random, 1, Math.min(4, experts));
            int[] ids = new int[tokens * topK];
            float[] weights = new float[tokens * topK];
            for (int t = 0; t < tokens; t++) {
                List<Integer> shuffled =
                        new ArrayList<>(IntStream.range(0, experts).boxed().toList());
                Collections.shuffle(shuffled, random);
                for (int j = 0; j < topK; j++) {
                    ids[t * topK + j] = shuffled.get(j);
                    weights[t * topK + j] = random.nextFloat();
                }
            }
            return new Routing(topK, ids, weights);
        }

        MemorySegment ids(Arena arena) {
            return arena.allocateFrom(ValueLayout.JAVA_INT, ids);
        }

        MemorySegment weights(Arena arena) {
            return arena.allocateFrom(ValueLayout.JAVA_FLOAT, weights);
        }
    }

    static SampleExperts dense(Arena arena, Random random, int count, int hidden, int intermediate) {
        List<SampleMatrix> gates = new ArrayList<>();
        List<SampleMatrix> ups = new ArrayList<>();
        List<SampleMatrix> downs = new ArrayList<>();
        for (int e = 0; e < count; e++) {
            gates.add(SampleMatrix.dense(arena, random, CpuFloatType.BF16, intermediate, hidden));
            ups.add(SampleMatrix.dense(arena, random, CpuFloatType.F32, intermediate, hidden));
            downs.add(SampleMatrix.dense(arena, random, CpuFloatType.F16, hidden, intermediate));
        }
        return of(arena, gates, ups, downs);
    }

    /** Two bits in groups of 16 rows: both sizes must be multiples of that. */
    static SampleExperts hqq(Arena arena, Random random, int count, int hidden, int intermediate) {
        HqqLayout layout = new HqqLayout(2, 16, hidden * intermediate / 16 / Cases.oneOf(random, 1, 2, 4));
        List<SampleMatrix> gates = new ArrayList<>();
        List<SampleMatrix> ups = new ArrayList<>();
        List<SampleMatrix> downs = new ArrayList<>();
        for (int e = 0; e < count; e++) {
            gates.add(SampleMatrix.hqq(arena, random, layout, intermediate, hidden));
            ups.add(SampleMatrix.hqq(arena, random, layout, intermediate, hidden));
            downs.add(SampleMatrix.hqq(arena, random, layout, hidden, intermediate));
        }
        return of(arena, gates, ups, downs);
    }

    private static SampleExperts of(
            Arena arena, List<SampleMatrix> gates, List<SampleMatrix> ups, List<SampleMatrix> downs) {
        return new SampleExperts(
                CpuExperts.of(arena, matrices(gates), matrices(ups), matrices(downs)), gates, ups, downs);
    }

    private static List<CpuMatrix> matrices(List<SampleMatrix> samples) {
        return samples.stream().map(SampleMatrix::matrix).toList();
    }

    /** What the experts add to each token. */
    double[] expected(double[] x, Routing routing) {
        int hidden = experts.hidden();
        double[] y = new double[x.length];
        for (int i = 0; i < routing.ids().length; i++) {
            int t = i / routing.topK();
            int e = routing.ids()[i];
            double[] token = Arrays.copyOfRange(x, t * hidden, (t + 1) * hidden);
            double[] part = Reference.expert(gates.get(e), ups.get(e), downs.get(e), token);
            for (int k = 0; k < hidden; k++) {
                y[t * hidden + k] += routing.weights()[i] * part[k];
            }
        }
        return y;
    }
}
