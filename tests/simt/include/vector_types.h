// CUDA's vector types that kernels use, with CUDA's alignment.
#pragma once

#define UNFOLD_SIMT_VECTOR(Type, Element, bytes)                         \
  struct alignas(2 * bytes) Type##2 {                                    \
    Element x, y;                                                        \
  };                                                                     \
  struct alignas(2 * bytes < 8 ? 4 * bytes : 16) Type##4 {               \
    Element x, y, z, w;                                                  \
  };                                                                     \
  inline Type##2 make_##Type##2(Element x, Element y) { return {x, y}; } \
  inline Type##4 make_##Type##4(Element x, Element y, Element z, Element w) { return {x, y, z, w}; }

UNFOLD_SIMT_VECTOR(char, signed char, 1)
UNFOLD_SIMT_VECTOR(uchar, unsigned char, 1)
UNFOLD_SIMT_VECTOR(short, short, 2)
UNFOLD_SIMT_VECTOR(ushort, unsigned short, 2)
UNFOLD_SIMT_VECTOR(int, int, 4)
UNFOLD_SIMT_VECTOR(uint, unsigned, 4)
UNFOLD_SIMT_VECTOR(float, float, 4)
UNFOLD_SIMT_VECTOR(longlong, long long, 8)
UNFOLD_SIMT_VECTOR(ulonglong, unsigned long long, 8)
UNFOLD_SIMT_VECTOR(double, double, 8)
#undef UNFOLD_SIMT_VECTOR
