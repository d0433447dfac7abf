package dev.gatun.fuzz;

import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;
import java.util.List;
import java.util.SplittableRandom;
import java.util.regex.MatchResult;
import java.util.regex.Pattern;

/** Damage to the data of some tensors of a safetensors file, mostly to numbers in binary16. */
final class TensorMutation implements Mutation {
    /** NaN, infinities, the largest and smallest numbers, zeros, ones. */
    private static final short[] HALVES = {
        0x7e00, 0x7c00, (short) 0xfc00, 0x7bff, (short) 0xfbff, 0x0001, 0x0000, (short) 0x8000, 0x3c00, -1
    };

    private static final int MOST_NUMBERS = 5;

    private static final Pattern ENTRY =
            Pattern.compile("\"([^\"]*+)\":\\{[^{}]*\"data_offsets\":\\[(\\d{1,9}),(\\d{1,9})]");

    private final String part;

    /** @param part what the tensors' names contain; empty for all tensors */
    TensorMutation(String part) {
        this.part = part;
    }

    @Override
    public byte[] apply(byte[] bytes, SplittableRandom random) {
        return SafetensorsBytes.of(bytes)
                .map(file -> damaged(bytes, file, random))
                .orElse(bytes);
    }

    private byte[] damaged(byte[] bytes, SafetensorsBytes file, SplittableRandom random) {
        List<MatchResult> tensors = ENTRY.matcher(new String(file.header(), StandardCharsets.UTF_8))
                .results()
                .filter(entry -> entry.group(1).contains(part))
                .toList();
        if (tensors.isEmpty()) {
            return bytes;
        }
        MatchResult tensor = tensors.get(random.nextInt(tensors.size()));
        int begin = Integer.parseInt(tensor.group(2));
        int end = Math.min(Integer.parseInt(tensor.group(3)), file.dataLength());
        byte[] changed = bytes.clone();
        ByteBuffer target = ByteBuffer.wrap(changed).order(ByteOrder.LITTLE_ENDIAN);
        int data = bytes.length - file.dataLength();
        for (int count = random.nextInt(1, MOST_NUMBERS); count > 0 && end - begin >= Short.BYTES; count--) {
            int half = random.nextInt((end - begin) / Short.BYTES);
            target.putShort(
                    data + begin + half * Short.BYTES,
                    random.nextInt(4) == 0 ? (short) random.nextInt() : HALVES[random.nextInt(HALVES.length)]);
        }
        return changed;
    }
}
