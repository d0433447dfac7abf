package dev.gatun.checkpoint;

import static dev.gatun.checkpoint.Refusals.assertOneLine;
import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.catchThrowable;

import java.io.IOException;
import java.lang.foreign.Arena;
import java.lang.foreign.ValueLayout;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Arrays;
import org.assertj.core.api.AbstractStringAssert;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

/** Every way in which one safetensors file can be wrong gets a line that names the file and the tensor. */
class BadFilesTest {
    private static final String GOOD = "{\"dtype\":\"U8\",\"shape\":[4],\"data_offsets\":[0,4]}";

    @TempDir
    Path folder;

    @Test
    void aGoodFileIsRead() {
        SafetensorsWriter.write(
                file(), "{\"__metadata__\":{\"k\":\"v\"},\"a\":" + GOOD + "}   ", new byte[] {1, 2, 3, 4});
        try (Arena arena = Arena.ofConfined()) {
            SafetensorsFile read = SafetensorsFile.map(file(), arena);
            assertThat(read.metadata()).containsEntry("k", "v").hasSize(1);
            assertThat(read.tensors()).containsOnlyKeys("a");
            assertThat(read.tensors().get("a").data().isReadOnly()).isTrue();
            assertThat(read.tensors().get("a").data().toArray(ValueLayout.JAVA_BYTE))
                    .containsExactly(1, 2, 3, 4);
        }
    }

    @Test
    void emptyAndScalarTensorsHaveTheirPlace() {
        String empty = "{\"dtype\":\"F32\",\"shape\":[0,7],\"data_offsets\":[0,0]}";
        String scalar = "{\"dtype\":\"I64\",\"shape\":[],\"data_offsets\":[0,8]}";
        SafetensorsWriter.write(file(), "{\"e\":" + empty + ",\"s\":" + scalar + "}", new byte[8]);
        try (Arena arena = Arena.ofConfined()) {
            SafetensorsFile read = SafetensorsFile.map(file(), arena);
            assertThat(read.tensors().get("e").count()).isZero();
            assertThat(read.tensors().get("s").count()).isEqualTo(1);
        }
    }

    @ParameterizedTest
    @ValueSource(ints = {0, 1, 7})
    void aFileShorterThanItsFirstNumber(int bytes) throws IOException {
        Files.write(file(), new byte[bytes]);
        refused().contains("has " + bytes + " bytes, too few", "download the file again");
    }

    @ParameterizedTest
    @ValueSource(longs = {-1, Long.MIN_VALUE, Long.MAX_VALUE, 100_000_001})
    void aHeaderOfAbsurdLength(long length) {
        SafetensorsWriter.write(file(), length, new byte[2], new byte[0]);
        refused().contains("has a header of " + Long.toUnsignedString(length) + " bytes; at most 100000000");
    }

    @ParameterizedTest
    @ValueSource(longs = {3, 100, 99_999_999})
    void aHeaderLongerThanTheFile(long length) {
        SafetensorsWriter.write(file(), length, new byte[2], new byte[0]);
        refused().contains("has a header of " + length + " bytes, but only 2 follow");
    }

    @Test
    void aHeaderThatIsNotUtf8() {
        SafetensorsWriter.write(file(), "{\"\u00fc\":1}".getBytes(StandardCharsets.ISO_8859_1), new byte[0]);
        refused().contains("its header is not UTF-8");
        SafetensorsWriter.write(file(), "{}".getBytes(StandardCharsets.UTF_16), new byte[0]);
        refused().contains("its header is not UTF-8");
    }

    @ParameterizedTest
    @ValueSource(strings = {"", "{", "{\"a\":" + GOOD, "{a:1}", "{\"a\":" + GOOD + "]"})
    void aHeaderThatIsNotJson(String header) {
        SafetensorsWriter.write(file(), header, new byte[4]);
        refused().contains("its header is not");
    }

    @ParameterizedTest
    @ValueSource(strings = {"[]", "1", "null", "\"a\""})
    void aHeaderThatIsNotAnObject(String header) {
        SafetensorsWriter.write(file(), header, new byte[0]);
        refused().contains("its header is not a JSON object");
    }

    @Test
    void somethingBehindTheHeadersObject() {
        SafetensorsWriter.write(file(), "{\"a\":" + GOOD + "} {}", new byte[4]);
        refused().contains("something follows the JSON object");
    }

    @Test
    void aNestingToExhaustTheStack() {
        SafetensorsWriter.write(file(), "{\"a\":{\"dtype\":" + "[".repeat(100_000), new byte[0]);
        refused().contains("tensor `a` has a dtype that is not a string");
        SafetensorsWriter.write(file(), "{\"a\":" + "{\"dtype\":".repeat(100_000), new byte[0]);
        refused().contains("tensor `a`");
    }

    @Test
    void duplicateKeys() {
        SafetensorsWriter.write(file(), "{\"a\":" + GOOD + ",\"a\":" + GOOD + "}", new byte[4]);
        refused().contains("Duplicate", "\"a\"");
        refusedTensor("{\"dtype\":\"U8\",\"dtype\":\"I8\",\"shape\":[4],\"data_offsets\":[0,4]}")
                .contains("Duplicate", "\"dtype\"");
        SafetensorsWriter.write(file(), "{\"__metadata__\":{\"k\":\"\",\"k\":\"\"},\"a\":" + GOOD + "}", new byte[4]);
        refused().contains("Duplicate", "\"k\"");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            quoteCharacter = '^',
            value = {
                "1            | `__metadata__` is not an object",
                "[]           | `__metadata__` is not an object",
                "{'k':1}      | `__metadata__` has a value that is not a string, `k`",
                "{'k':null}   | `__metadata__` has a value that is not a string, `k`",
            })
    void metadataThatIsNotStrings(String text, String complaint) {
        String metadata = text.replace('\'', '"');
        SafetensorsWriter.write(file(), "{\"__metadata__\":" + metadata + ",\"a\":" + GOOD + "}", new byte[4]);
        refused().contains(complaint);
    }

    @ParameterizedTest
    @ValueSource(strings = {"F8_E4M3", "u8", "U4", "", "float16"})
    void anUnknownDtype(String type) {
        refusedTensor("{\"dtype\":\"" + type + "\",\"shape\":[4],\"data_offsets\":[0,4]}")
                .contains("tensor `a` has the dtype `" + type + "`", "bf16, fp16 or fp32");
    }

    @ParameterizedTest
    @ValueSource(strings = {"1", "null", "[]", "\"x\""})
    void anEntryThatIsNotAnObject(String entry) {
        refusedTensor(entry).contains("tensor `a` is not described by an object");
    }

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "{'shape':[4],'data_offsets':[0,4]}               | has no `dtype`",
                "{'dtype':'U8','data_offsets':[0,4]}              | has no `shape`",
                "{'dtype':'U8','shape':[4]}                       | has no `data_offsets`",
                "{'dtype':'U8','shape':[4],'data_offsets':[0,4],'x':1} | has an unknown property `x`",
                "{'dtype':1,'shape':[4],'data_offsets':[0,4]}     | has a dtype that is not a string",
                "{'dtype':'U8','shape':4,'data_offsets':[0,4]}    | has a shape that is not a list",
                "{'dtype':'U8','shape':[-4],'data_offsets':[0,4]} | in its shape that is not a whole number",
                "{'dtype':'U8','shape':[4.0],'data_offsets':[0,4]} | in its shape that is not a whole number",
                "{'dtype':'U8','shape':['4'],'data_offsets':[0,4]} | in its shape that is not a whole number",
                "{'dtype':'U8','shape':[[4]],'data_offsets':[0,4]} | in its shape that is not a whole number",
                "{'dtype':'U8','shape':[18446744073709551620],'data_offsets':[0,4]} | in its shape that is not",
                "{'dtype':'U8','shape':[4294967296,4294967297],'data_offsets':[0,4]} | a shape too large for any file",
                "{'dtype':'I64','shape':[4611686018427387904],'data_offsets':[0,4]} | a shape too large for any file",
                "{'dtype':'U8','shape':[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,4],'data_offsets':[0,4]} | more than 16 numbers",
                "{'dtype':'U8','shape':[4],'data_offsets':{}}     | has a data_offsets that is not a list",
                "{'dtype':'U8','shape':[4],'data_offsets':[4]}    | has 1 data_offsets; there must be two",
                "{'dtype':'U8','shape':[4],'data_offsets':[0,2,4]} | more than 2 numbers in its data_offsets",
                "{'dtype':'U8','shape':[4],'data_offsets':[0,null]} | in its data_offsets that is not a whole number",
                "{'dtype':'U8','shape':[4],'data_offsets':[-1,3]} | in its data_offsets that is not a whole number",
                "{'dtype':'U8','shape':[4],'data_offsets':[4,0]}  | end before they begin: [4, 0]",
                "{'dtype':'U8','shape':[5],'data_offsets':[0,5]}  | ends at byte 5 of the data, but the file has only 4",
                "{'dtype':'U8','shape':[4],'data_offsets':[9223372036854775803,9223372036854775807]} | but the file has only 4",
                "{'dtype':'U8','shape':[3],'data_offsets':[0,4]}  | has 4 bytes, which is not U8 of shape [3]",
                "{'dtype':'F16','shape':[4],'data_offsets':[0,4]} | has 4 bytes, which is not F16 of shape [4]",
                "{'dtype':'U8','shape':[3],'data_offsets':[1,4]}  | begins 1 bytes behind the end of the header",
            })
    void anEntryThatIsWrong(String entry, String complaint) {
        refusedTensor(entry.replace('\'', '"')).contains("tensor `a` ", complaint, "download the file again");
    }

    @Test
    void tensorsThatOverlap() {
        refusedPair("[0,3]", "[2,4]", 3, 2).contains("tensor `b` overlaps tensor `a`");
        refusedPair("[0,4]", "[0,4]", 4, 4).contains("overlaps tensor");
    }

    @Test
    void aGapBetweenTensors() {
        refusedPair("[0,1]", "[3,4]", 1, 1).contains("tensor `b` begins 2 bytes behind the end of tensor `a`");
    }

    @Test
    void bytesThatBelongToNoTensor() {
        SafetensorsWriter.write(file(), "{\"a\":" + GOOD + "}", new byte[7]);
        refused().contains("3 bytes at its end belong to no tensor");
    }

    @Test
    void aFileCutShort() throws IOException {
        SafetensorsWriter.write(file(), "{\"a\":" + GOOD + "}", new byte[4]);
        byte[] whole = Files.readAllBytes(file());
        for (int length = 0; length < whole.length; length++) {
            Files.write(file(), Arrays.copyOf(whole, length));
            refused().contains("download the file again");
        }
    }

    @Test
    void aFileThatIsNotThereOrNoFile() throws IOException {
        refused().contains("no such file");
        Files.createDirectory(file());
        refused().contains("no such file");
    }

    @Test
    void namesThatWouldBreakTheLine() {
        SafetensorsWriter.write(file(), "{\"a\\nb\\u2028\\u0000\\u202e\":1}", new byte[0]);
        refused().contains("tensor `a\\u000ab\\u2028\\u0000\\u202e`");
        SafetensorsWriter.write(file(), "{\"" + "x".repeat(10_000) + "\":1}", new byte[0]);
        refused().hasSizeLessThan(1000);
    }

    private AbstractStringAssert<?> refusedPair(String first, String second, int firstSize, int secondSize) {
        String entry = "{\"dtype\":\"U8\",\"shape\":[%d],\"data_offsets\":%s}";
        String header =
                "{\"b\":" + entry.formatted(secondSize, second) + ",\"a\":" + entry.formatted(firstSize, first) + "}";
        SafetensorsWriter.write(file(), header, new byte[4]);
        return refused();
    }

    private AbstractStringAssert<?> refusedTensor(String entry) {
        SafetensorsWriter.write(file(), "{\"a\":" + entry + "}", new byte[4]);
        return refused();
    }

    private AbstractStringAssert<?> refused() {
        try (Arena arena = Arena.ofConfined()) {
            return assertOneLine(catchThrowable(() -> SafetensorsFile.map(file(), arena)))
                    .contains("`" + file() + "`");
        }
    }

    private Path file() {
        return folder.resolve("model.safetensors");
    }
}
