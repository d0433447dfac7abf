package dev.gatun.fuzz;

import java.util.SplittableRandom;

/** Damage to the header of a safetensors file; its length mostly follows, so that the change is looked at. */
final class HeaderMutation implements Mutation {
    private final Mutation json;

    HeaderMutation(Mutation json) {
        this.json = json;
    }

    @Override
    public byte[] apply(byte[] bytes, SplittableRandom random) {
        return SafetensorsBytes.of(bytes).map(file -> damaged(file, random)).orElse(bytes);
    }

    private byte[] damaged(SafetensorsBytes file, SplittableRandom random) {
        if (random.nextInt(12) == 0) {
            return file.withLength(
                    random.nextBoolean() ? random.nextLong() >>> random.nextInt(Long.SIZE) : random.nextInt(5_000));
        }
        return file.with(json.apply(file.header(), random));
    }
}
