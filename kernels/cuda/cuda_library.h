// The C interface of the CUDA kernels' shared library (libkvatlas_cuda.so): device pointers, shapes and streams.
// No target links it: kernels/cuda/cuda_loader.h opens it when a device is requested.
#pragma once

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

// A function that can fail returns null, or an error text that stays valid until the calling thread's next call or
// end. `stream` is a cudaStream_t: calls queue work on it and do not wait. The caller sets the current device.
// All pointers are device pointers unless named host. Sums have a fixed order: the same input gives the same
// bits on the same kind of device.

typedef enum { kKvatlasF32 = 0, kKvatlasF16 = 1, kKvatlasBf16 = 2 } KvatlasElement;

// The code path of a probe. Plain: float arithmetic, every element type and head size. Mma and Wgmma: tensor cores
// (sm_80 and later; sm_90), 16-bit elements and the head sizes 64, 80, 96, 128 and 256.
typedef enum { kKvatlasProbePlain = 0, kKvatlasProbeMma = 1, kKvatlasProbeWgmma = 2 } KvatlasProbePath;

// As ProbeShape, ProbeInput and ProbeOutput (kernels/attention_probe.h); outputs are f32 and may be null.
typedef struct {
  uint64_t query_heads, kv_heads, tokens, head_dim, window, sliding_window;
  float scale;
  int32_t element;         // KvatlasElement of query and key
  const void* query;       // [query_heads, tokens, head_dim], contiguous
  const void* key;         // [kv_heads, tokens, head_dim], contiguous
  const float* given_lse;  // [query_heads, tokens] or null
  float *lse, *entropy, *received, *window_sum, *window_rows, *map_mean, *map_max;
  uint64_t cell;
  int32_t path;  // KvatlasProbePath; an error if this device or shape does not support it
  // Always written: query_heads · tokens when all is finite, else head · tokens + query of the first NaN or Inf, or all
  // bits set when a kernel timed out waiting for its own copies (a bug in the path, not bad input).
  uint64_t* first_bad;
  void* workspace;  // kvatlasCudaProbeWorkspace bytes, 16-byte aligned
} KvatlasCudaProbe;

// As DecodeSegment (kernels/ragged_decode.h). query, key, value and output have the call's element type, probabilities
// are f32 or null. One thread block computes each fixed-length part of the keys for all rows: a segment's bits do not
// depend on the rest of the batch.
typedef struct {
  const void* query;
  const void* key;
  const void* value;
  void* output;
  float* probabilities;
  uint64_t rows, length;
} KvatlasCudaSegment;

typedef struct {
  const KvatlasCudaSegment* segments;  // [count], in device memory
  uint64_t count, most_rows, most_length, head_dim;
  float scale;
  int32_t element;
  void* workspace;  // kvatlasCudaDecodeWorkspace bytes, 16-byte aligned
} KvatlasCudaDecode;

// One row of values ≥ 0.
typedef struct {
  const float* values;
  uint64_t length;
} KvatlasCudaRow;

typedef struct {
  float value;
  uint32_t column;
} KvatlasCudaTopEntry;

// As topEntries (kernels/top_entries.h), of many rows.
typedef struct {
  const KvatlasCudaRow* rows;  // [count], in device memory
  uint64_t count, most_length;
  uint64_t entries;             // k, at most 32
  KvatlasCudaTopEntry* output;  // [count, k]
  void* workspace;              // kvatlasCudaTopWorkspace bytes, 16-byte aligned
} KvatlasCudaTop;

// The keys or the values of one list, which begins at a multiple of its rows' size.
typedef struct {
  void* rows;  // [length, row_bytes]
  uint64_t length;
  uint64_t first, count;  // of the rows it gives up, ascending, among those of the call
} KvatlasCudaList;

// As TileShape and TileInput (kernels/attention_tile.h): the rows of the two ranges only.
typedef struct {
  uint64_t first_query, queries, first_key, keys, head_dim, sliding_window;
  float scale;
  int32_t element;
  int32_t value;      // 0 probability, 1 scaled logit, 2 log-probability in nats
  const void* query;  // [queries, head_dim]
  const void* key;    // [keys, head_dim]
  const float* lse;   // [queries]; may be null for logits
  float* output;      // [queries, keys], NaN where masked
} KvatlasCudaTile;

// The hash of this header (resources/cmake/BorderIdentity.cmake) that the library was built with; called first.
const char* kvatlasCudaIdentity(void);
const char* kvatlasCudaDeviceCount(int32_t* host_count);
const char* kvatlasCudaDeviceName(int32_t device, char* host_name, uint64_t size);
const char* kvatlasCudaDeviceMemory(int32_t device, uint64_t* host_free, uint64_t* host_total);

// Selects the device for the calling thread's next calls.
const char* kvatlasCudaUseDevice(int32_t device);

// The fastest path that the current device and this shape support (a KvatlasProbePath).
int32_t kvatlasCudaProbeBestPath(const KvatlasCudaProbe* probe);
// Bytes of device memory the probe needs besides its outputs: O(tokens).
uint64_t kvatlasCudaProbeWorkspace(const KvatlasCudaProbe* probe);
const char* kvatlasCudaProbe(const KvatlasCudaProbe* probe, void* stream);
uint64_t kvatlasCudaDecodeWorkspace(const KvatlasCudaDecode* decode);
const char* kvatlasCudaDecode(const KvatlasCudaDecode* decode, void* stream);
const char* kvatlasCudaTile(const KvatlasCudaTile* tile, void* stream);
// The next coarser level of `heads` maps [n, n] at `cell` tokens per cell, as coarsenMean and coarsenMax
// (kernels/map_pool.h); either pair may be null.
const char* kvatlasCudaCoarsen(uint64_t heads, uint64_t tokens, uint64_t cell, uint64_t sliding_window,
                               const float* fine_mean, const float* fine_max, float* coarse_mean, float* coarse_max,
                               void* stream);
// target[i, :] = source[rows[i], :] for `count` rows of row_bytes bytes.
const char* kvatlasCudaGather(const void* source, const uint32_t* rows, uint64_t count, uint64_t row_bytes,
                              void* target, void* stream);
// Moves the rows that each list keeps to its front, in their order. lists: [count], in device memory.
const char* kvatlasCudaCompact(const KvatlasCudaList* lists, uint64_t count, const uint32_t* given_up,
                               uint64_t row_bytes, void* stream);
uint64_t kvatlasCudaTopWorkspace(const KvatlasCudaTop* top);
const char* kvatlasCudaTop(const KvatlasCudaTop* top, void* stream);

#ifdef __cplusplus
}
#endif
