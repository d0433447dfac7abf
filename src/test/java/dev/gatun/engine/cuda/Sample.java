package dev.gatun.engine.cuda;

import dev.gatun.quant.DenseMatrix;
import dev.gatun.quant.FloatType;
import dev.gatun.quant.RandomMatrices;
import dev.gatun.quant.RandomTiles;
import dev.gatun.quant.TileFormat;
import dev.gatun.quant.TileShape;
import java.util.SplittableRandom;
import java.util.stream.IntStream;

/** Where a case gets its numbers from; prints the shapes that it drew. */
final class Sample {
    private final SplittableRandom random;
    private final StringBuilder drawn = new StringBuilder("case:");

    Sample(SplittableRandom random) {
        this.random = random;
    }

    int integer(String name, int least, int most) {
        return note(name, random.nextInt(least, most + 1));
    }

    /** Mostly anything, now and then one of the ends. */
    int integer(String name, int step, int least, int most) {
        int drawnNow = random.nextInt(6) == 0 ? random.nextBoolean() ? least : most : random.nextInt(least, most + 1);
        return note(name, drawnNow * step);
    }

    int oneOf(String name, int... values) {
        return note(name, values[random.nextInt(values.length)]);
    }

    <T> T oneOf(String name, T[] values) {
        T value = values[random.nextInt(values.length)];
        drawn.append(' ').append(name).append(' ').append(value);
        return value;
    }

    boolean flag(String name) {
        return note(name, random.nextInt(2)) == 1;
    }

    private int note(String name, int value) {
        drawn.append(' ').append(name).append(' ').append(value);
        return value;
    }

    int below(int bound) {
        return random.nextInt(bound);
    }

    double uniform() {
        return random.nextDouble();
    }

    float[] floats(int count, double deviation) {
        float[] values = new float[count];
        for (int i = 0; i < count; i++) {
            values[i] = (float) (deviation * random.nextGaussian());
        }
        return values;
    }

    /** Rows of differing magnitude, among them rows of zeros. */
    float[] rows(int rows, int columns) {
        float[] values = floats(rows * columns, 1);
        for (int row = 0; row < rows; row++) {
            float magnitude = random.nextInt(10) == 0 ? 0 : (float) Math.pow(10, random.nextInt(-4, 5));
            for (int k = 0; k < columns; k++) {
                values[row * columns + k] *= magnitude;
            }
        }
        return values;
    }

    /** Rows of any magnitude from 1 up to this one. */
    float[] rows(int rows, int columns, int largest) {
        float[] values = floats(rows * columns, 1);
        for (int row = 0; row < rows; row++) {
            float magnitude = (float) Math.pow(largest, random.nextDouble());
            for (int k = 0; k < columns; k++) {
                values[row * columns + k] *= magnitude;
            }
        }
        return values;
    }

    /** The weights of a norm. */
    float[] norm(int columns) {
        float[] values = floats(columns, 0.2);
        for (int k = 0; k < columns; k++) {
            values[k] += 1;
        }
        return values;
    }

    short[] halves(int count, double deviation) {
        short[] values = new short[count];
        for (int i = 0; i < count; i++) {
            values[i] = Float.floatToFloat16((float) (deviation * random.nextGaussian()));
        }
        return values;
    }

    DenseMatrix dense(FloatType type, int rows, int columns) {
        return new RandomMatrices(random.nextLong()).dense(type, rows, columns);
    }

    RandomMatrices matrices() {
        return new RandomMatrices(random.nextLong());
    }

    RandomTiles tiles() {
        return new RandomTiles(random.nextLong());
    }

    /** A shape with any number of second-level pairs that divides its groups. */
    TileShape tileShape(TileFormat format, int rows, int columns) {
        int groups = rows / format.groupSize() * columns;
        int[] divisors =
                IntStream.rangeClosed(1, groups).filter(n -> groups % n == 0).toArray();
        int pairs = format == TileFormat.Q2N ? 0 : oneOf("pairs", divisors);
        return new TileShape(format, rows, columns, pairs);
    }

    /** Distinct ids of each token. */
    int[] choices(int tokens, int topK, int experts) {
        int[] ids = new int[tokens * topK];
        for (int t = 0; t < tokens; t++) {
            int[] all = IntStream.range(0, experts).toArray();
            for (int j = 0; j < topK; j++) {
                int other = random.nextInt(j, experts);
                ids[t * topK + j] = all[other];
                all[other] = all[j];
            }
        }
        return ids;
    }

    @Override
    public String toString() {
        return drawn.toString();
    }
}
