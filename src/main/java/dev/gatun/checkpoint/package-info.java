/**
 * Model folders on disk: safetensors, Hugging Face Mixtral, the published offloading checkpoint, Gatun's own format.
 *
 * <h2>Gatun's own format, version 3</h2>
 *
 * <p>A folder of safetensors files, an index as Hugging Face's, and what lies beside them in any Hugging Face folder. Every
 * program that reads safetensors can open the files; this is what the tensors mean. All numbers are little-endian.
 *
 * <pre>
 *   config.json, tokenizer.json, tokenizer_config.json, generation_config.json, ...   copies of the original's
 *   model-00001-of-000NN.safetensors    the trunk: everything but the experts
 *   model-0000K-of-000NN.safetensors    the experts of layer K - 2, in order; NN is layers + 1
 *   model.safetensors.index.json        weight_map: file by tensor; written last, so a folder that has it is finished
 *   SHA256SUMS                          of all files but itself; sha256sum -c SHA256SUMS checks them
 * </pre>
 *
 * <p><b>Metadata.</b> Each shard has the same {@code __metadata__}, all strings:
 *
 * <pre>
 *   gatun.version    3. A reader refuses any other value, but 2 where there are no tiles of q2n, and 1 where there are none
 *   gatun.tiles      q2 or q2n, the format of experts in tiles; absent if there are none
 *   gatun.pairs      "P,Q": second-level pairs of w1 (and of w3), and of w2; "0,0" for q2n. Present with gatun.tiles
 *   gatun.origin     what the model was made of and how, for people; may be absent
 *   format           pt, for programs that look for it
 * </pre>
 *
 * <p><b>Trunk.</b> Tensors have the names of transformers 4.36 ({@code model.embed_tokens.weight},
 * {@code model.layers.0.self_attn.q_proj.weight}, {@code model.layers.0.block_sparse_moe.gate.weight}, ...) in F32, F16 or
 * BF16. A matrix M that is quantized has, instead of {@code M.weight}, one of two sets of tensors. With N outputs, K inputs,
 * groups of g rows, b bits, G = N / g and S = G &middot; K, weight (n, k) is of group s = (n mod G) &middot; K + k and is
 * (code &minus; zero[s]) &middot; scale[s]. Byte p of {@code W_q} packs 8 / b codes, the highest bits first: those of the
 * row-major weights p, p + N&middot;K&middot;b/8, p + 2&middot;N&middot;K&middot;b/8, ... Codes of 3 bits are two such planes,
 * one behind the other: N&middot;K/4 bytes with the two lower bits of each code, packed as codes of 2 bits, and N&middot;K/8 bytes
 * with the highest bit of each, packed as codes of 1 bit; g is a multiple of 8 then. Bits and group sizes follow from the
 * numbers of elements; shapes are for people.
 *
 * <pre>
 *   HQQ, as in the published offloading checkpoint
 *     M.W_q                       U8    N K b / 8
 *     M.meta.scale_q              U8    S
 *     M.meta.meta_scale.scale     F16   R second-level pairs; scale[s] = (scale_q[s] - zero[s mod R]) * scale[s mod R]
 *     M.meta.meta_scale.zero      F16   R
 *     M.meta.zero_q               U8    S; zero[s] = (zero_q[s] - zero) * scale, with one pair for the matrix
 *     M.meta.meta_zero.scale      F16   1
 *     M.meta.meta_zero.zero       F16   1
 *
 *   Gatun's own scheme: 4-bit scales and zeros
 *     M.W_q       U8    N K b / 8
 *     M.metas     U8    S: bits 0-3 the scale's code, bits 4-7 the zero's
 *     M.pairs     F16   [G][T][4], T = ceil(K / 128): for columns 128t to 128t + 127 of a group row
 *                       { a, b, c, d }:  scale = (scale code - b) * a,  zero = (zero code - d) * c
 * </pre>
 *
 * <p><b>Experts.</b> With the prefix P = {@code model.layers.L.block_sparse_moe.experts.E.}, an expert is either the three
 * matrices {@code Pw1}, {@code Pw3}, {@code Pw2} as in the trunk, or one tensor {@code Ptiles}, U8, whose data begins at a
 * multiple of 4096 bytes of the file: a block that is read, copied to a GPU and computed as it lies. It holds w1, w3 and w2,
 * each at a multiple of 256 bytes, and is padded with zeros to a multiple of 4096. In a matrix of tiles groups have 16 rows,
 * and G, K, T are as above:
 *
 * <pre>
 *   q2      0                    F32 zero scale, F32 zero zero, 248 bytes of zeros
 *           256                  tiles [G][T] of 768 bytes: 512 of codes, 128 scale codes, 128 zero codes
 *           256 + 768 G T        [R] of { F16 scale, F16 zero } as in HQQ's second level; R from gatun.pairs
 *   q2n     0                    tiles [G][T] of 640 bytes: 512 of codes, 128 of scale code | zero code &lt;&lt; 4
 *           640 G T              [G][T] of { F16 a, b, c, d } as in pairs above
 * </pre>
 *
 * padded with zeros to a multiple of 256 bytes. Tile (g, t) holds the rows g + G&middot;i (i = 0 to 15) and the columns 128t + c
 * (c = 0 to 127); scale and zero codes are by c; columns beyond K are zero bytes. The 2-bit codes are sixteen bytes for each
 * l = 0 to 31, as four words j = 0 to 3; bits 2p + 16h (p = 0 to 7, h = 0 or 1) of word j of l hold the code of
 *
 * <pre>
 *   row     i = l / 4 + 8 * (j &amp; 1)
 *   column  c = 16 p + 4 * (l mod 4) + 2 * (j &gt;&gt; 1) + h
 * </pre>
 *
 * <p>In w2 of q2 the columns lie in another order, that of slices: column c of the tiles is the matrix's column c / 16 +
 * (c mod 16) &middot; K / 16. So the sixteen inputs that one row of groups of w1 makes lie together, and a tile has those of
 * eight. The second level follows: its pair j is that of column j mod K of the tiles, so R is a multiple of K, for which pairs
 * are repeated if need be. Version 1 had w2 in the matrix's own order.
 *
 * <p>In w2 of q2n they do if K is a multiple of 2048. With S = K / 16, column s + S &middot; i of the matrix is column
 * 256 (s / 16) + 16 i + (s mod 16) of the tiles: two tiles have the inputs of sixteen rows of groups of w1. The second level is
 * by 128 of these rows: number 16 (s / 128) + i of each [T] is that of the matrix's columns s + S &middot; i, which number
 * (s + S &middot; i) / 128 was. Versions before 3 had w2 in the matrix's own order.
 *
 * <p>Scales must be below 128, zeros of q2n below 60000 and weights below 500 in magnitude whatever the codes are, so that
 * kernels can hold them in binary16; a reader refuses a second level that allows more, or has a NaN.
 * {@link dev.gatun.quant.TileReader} reads single weights, {@link dev.gatun.checkpoint.GatunWriter} writes the format.
 */
package dev.gatun.checkpoint;
