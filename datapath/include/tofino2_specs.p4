// A name under which programs include a part of t2na.p4.
#include <t2na.p4>
