"""A Parquet file that ends the process that decodes it."""

import zlib
from base64 import b85decode

# A small file with a few bytes changed: with Polars 1.35 reading its rows asks for 2^61 bytes and aborts.
DEADLY = zlib.decompress(
    b85decode(
        "c-o~_&1)M+6rb6ZRb^3ZsrXHHVGkn2TZJ~(en__DL+Q$L6%)})qD|^x3hS(78B{5ioG30iv?i3+_z-kyD1p+__RvEyB`FE?&{Lr~"
        "<WDH25K~AAIrY?*&djdtwPPZOEYj@z_`Uaj^Y+b3WxHxX2$C>Uf(RgllDAX;CdR)+2vfyj%Mx2Iu*C%g<Dk6)FF_2#5LTy961y^X"
        "260jaA%Q9q7R0Ybh$<Nrjw!OR;zE>2WD}DutSxGhKp-vNfmX11?h;06L87Xun^UKB>y&OpQdY{;E!`S>aQBwAee;v__GjOSDDm)E"
        "zA*K0Kug-CHO68CSXtUlHiWI{I%}NnHG%X6Z9~-7h2bgbKCZ&q;67djjDFs;4bw`;GH>bG8A}(@hqD*A-Y-oYz&*AT;DZB|%pv4M"
        "tL>)O?CS#g2W#tLtv_;zq?Eo1g&=+9SFeC!g!rl(Tr=4q7zeNx3{%F#dOOl<)H*fJ?*=A6VeL^wyB-OKQzFM9U81)^s`#e}g{iWA"
        "`=jk^Ux-wCuyunHco9zQArSTevPj*7*dy};8d!|(HmTQeRym12CO=~Bv7~(^J(+@Xn1t7YJvnyQI~N99Ox71GGnrwEbwEc#%sIR#"
        "xE1I}|EP8+x;I#f3l!wgFFk(>@eP6DQ{?@lc_7YI<R^w80K_y8eFy;y>w+TtJ=urk^n9C27GaSJOxh4(1N-uN7&Zs;qX@j~i;pE}"
        "_+tMkEHM!T<?88Br`@Jc1wnK|V6Th`R8pCbsq9P!bw1`ngEv@vAnYLr4Y=iNL{e0xscj1Cq25sB<2a0yUq<0L(r%8Z&-tDppT|Ka"
        "e~v;KY5%>TKKH>TKd^jv#-NI{?<DmZP8zuv2SPStZ~|%HM%8CM9prZw{(TH|q}?A?4?WK0Zx;7k43dca5h0QmA%7hiXX7A8?P~SS"
        "b2HrwjoN#Td`nER>w|3Gw(U9kwX>J0ex+i2IyarM?XEq`?-l#yGWGX*%sy}1%RX*_-U@7?NakVjd9Ih(V)J}mR;tLPyzR%+tIB;l"
        "ehw|B8L0Afyyxex({6j=9nW54{H`qT6rJVPxwi*JxWC8LyyX<nuAOJ7GX-kQF4%)6c>Bt~J_z#s+~pQ?-Sga7n14Dy&u_C<6|0R}"
        "rNH-B+9kEHgQxLx%d|ARSG+t0KTC@9tuPmla?Vw3B)?H^H=Ry5k-WIJ+Gw{<CN9@H-IaDLVNM#8dLp@WX{G5Vrt3M~Tym{?-8HA{"
        "^{nX{X>&U3=sCyCW$JaaKJC=poOx1d(lfj7gV=9Unf`V8AK<6O3j"
    )
)
